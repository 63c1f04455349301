/**
 * Budgets that replicas share: so much in a window of time, and so many at once. Names are opaque.
 * Every method rejects with GatewayError `store_unavailable` when the backend cannot answer.
 */
export interface QuotaStore {
  /**
   * Takes up to `want` of what is left of the window's limit, as one atomic step: the grants of all replicas together
   * never exceed the limit. A window is forgotten some time after it ends; `want` may be 0, to look.
   */
  take(name: string, window: QuotaWindow, want: number): Promise<QuotaGrant>;

  /**
   * Sets how many places `holder` has to `count`, or to as many of `limit` as the others leave, and resolves to that.
   * A holder that is not heard of for `ttlMs` has none: a crashed replica frees its places by itself. 0 frees them now.
   */
  hold(name: string, holder: string, places: PlacesWanted): Promise<number>;

  /** Forgets the name's windows and places. Idempotent. */
  forget(name: string): Promise<void>;
}

/** Milliseconds since the Unix epoch. Replicas that mean one window name the same start. */
export interface QuotaWindow {
  readonly startsAt: number;
  readonly endsAt: number;
  readonly limit: number;
}

export interface QuotaGrant {
  readonly granted: number;
  /** Taken by everybody in this window, this grant included. */
  readonly used: number;
}

export interface PlacesWanted {
  readonly count: number;
  readonly limit: number;
  readonly ttlMs: number;
}
