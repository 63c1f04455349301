/** What a turn costs behind so much that is stored. */
export interface GrowthPoint {
  readonly store: string;
  /** Turns of the session, sessions, or users. */
  readonly size: number;
  readonly p50Ms: number;
  readonly cpuUs: number;
  /** The first turn of a session, cold: after a restart, or of a new session or user. */
  readonly firstMs: number;
}

export interface GrowthCurve {
  readonly title: string;
  readonly sizeLabel: string;
  readonly firstLabel: string;
  readonly points: readonly GrowthPoint[];
}
