/**
 * Where the audit log rests: rows of several chains, written once and never changed. A store knows nothing of what they
 * mean. Every method rejects with GatewayError `store_unavailable` when the backend cannot answer.
 */
export interface AuditStore {
  /**
   * Adds rows as one atomic step. A row that is in place with the same entry is acknowledged again, so a call that timed
   * out may be repeated unchanged. Rejects with TypeError, and writes nothing, when another row has the place.
   */
  append(rows: readonly AuditRow[]): Promise<void>;

  /** Every chain, in the order of its first row's time (equal times by chain). */
  chains(): Promise<AuditChain[]>;

  /** Rows of one chain with `sequence >= from`, in order. Gaps mean that rows were lost: the caller checks. */
  read(chain: string, page: { readonly from: number; readonly limit: number }): Promise<AuditRow[]>;

  /** The newest rows of all chains, newest first (equal times by chain, then by sequence, both descending); by index. */
  latest(page: AuditPage): Promise<AuditRow[]>;
}

export interface AuditRow {
  /** 32 lowercase hex digits, random: one process writes one chain. */
  readonly chain: string;
  /** 0, 1, 2, … */
  readonly sequence: number;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** The chained entry. */
  readonly entry: Buffer;
  /** Sealed particulars, of which the entry holds a hash: they can be destroyed without breaking the chain. */
  readonly details: Buffer | undefined;
}

export interface AuditChain {
  readonly chain: string;
  /** The sequence of its last row, plus one. */
  readonly length: number;
}

export interface AuditPage {
  readonly limit: number;
  /** Rows strictly after this one in the listing's order. */
  readonly before?: { readonly at: number; readonly chain: string; readonly sequence: number };
}
