/** What one user may do. An absent number is no limit. */
export interface Limits {
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
  readonly tokensPerDay?: number | undefined;
  readonly concurrentRequests?: number | undefined;
  readonly sessions?: number | undefined;
  readonly sessionCallsPerMinute?: number | undefined;
}
