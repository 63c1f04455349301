/** Short exclusive claims, so that upkeep of a session runs in one replica at a time. */
export interface LeaseStore {
  /** True if the name was free (or its lease ran out) and is now held by `holder` for `ttlMs`. */
  acquire(name: string, holder: string, ttlMs: number): Promise<boolean>;
  /** Frees the name if `holder` still holds it. */
  release(name: string, holder: string): Promise<void>;
}
