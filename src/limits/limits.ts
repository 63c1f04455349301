/** What one user may do. An absent number is no limit. */
export interface Limits {
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
  readonly tokensPerDay?: number | undefined;
  readonly concurrentRequests?: number | undefined;
  readonly sessions?: number | undefined;
  readonly sessionCallsPerMinute?: number | undefined;
}

export type LimitKind = keyof Limits;

/** Limits that start anew with each minute or, in UTC, each day. */
export const windowLengthsMs = {
  requestsPerMinute: 60_000,
  tokensPerMinute: 60_000,
  tokensPerDay: 86_400_000,
  sessionCallsPerMinute: 60_000,
} as const satisfies Partial<Record<LimitKind, number>>;

export type WindowKind = keyof typeof windowLengthsMs;
