/**
 * What every replica must hear of soon: a user was erased, a key was revoked. Kept for ten minutes and read by polling;
 * whoever was away for longer must not rely on what it remembers.
 * Every method rejects with GatewayError `store_unavailable` when the backend cannot answer.
 */
export interface NoticeStore {
  /** `notice` is opaque and short (256 bytes at most), and holds nothing personal. */
  post(notice: string): Promise<void>;

  /** Notices posted after the cursor, in order, own ones included; without a cursor none, only where to start. */
  read(after: string | undefined): Promise<NoticePage>;
}

export interface NoticePage {
  readonly notices: readonly string[];
  readonly cursor: string;
}
