/** What a sealed record is for; part of its authenticated data, so one kind is never opened as another. */
export type RecordKind = "head" | "turn" | "slot" | "record" | "audit";

/** Seals and opens the records of one incarnation of one session. Synchronous: the key is at hand. */
export interface SessionSealer {
  /**
   * `id` is the turn id, the slot's name, or "" for the head.
   * @throws TypeError for a plaintext beyond the sealer's bound, 64 MiB unless set otherwise
   */
  seal(kind: RecordKind, id: string, plaintext: Buffer): Buffer;
  /** @throws GatewayError `record_unreadable` for anything this session's key did not seal under the same kind and id */
  open(kind: RecordKind, id: string, sealed: Buffer): Buffer;
}

export interface SessionIdentity {
  /** Keyed hash of tenant and user: names the data key. */
  readonly owner: string;
  /** Storage key of the session. */
  readonly key: string;
  /** Random, 32 lowercase hex digits, new for every life of the session. */
  readonly incarnation: string;
}

export interface Sealer {
  /**
   * For a session that exists. Never makes a data key: what was sealed under one that is gone stays unreadable.
   * Data keys are held for at most 60 s.
   * @throws GatewayError `store_unavailable`, or `record_unreadable` when the data key is gone or the master key that
   * wrapped it is missing
   */
  forSession(identity: SessionIdentity): Promise<SessionSealer>;

  /**
   * For a session that is about to begin: makes the user's data key if there is none.
   * @throws GatewayError as `forSession` does
   */
  forNewSession(identity: SessionIdentity): Promise<SessionSealer>;

  /**
   * Reads the owner's key row anew: is the data key that sealed these bytes still the one in the store?
   *
   * Whoever creates a session asks this after the commit, with the head that was committed. An erasure removes the key
   * first and the sessions after it. So if the answer is yes, the erasure had not begun when the session stood in the
   * store, and will remove it with the others; if it is no, nobody else will: remove the session and report the turn
   * as not stored. Commits onto a session that exists need not ask: its rows are gone, and the commit conflicts.
   * @throws GatewayError as `forSession` does; then nothing is known, and the session must go as well
   */
  isCurrent(identity: SessionIdentity, sealed: Buffer): Promise<boolean>;

  /** Drops every key that is held for the owner: the next use asks the store. For erasure, on every replica. */
  forget(owner: string): void;

  /** Of every owner: when the store has lost what it held. */
  forgetAll(): void;

  /**
   * For an entry of the audit log about this owner. Never makes a key: `undefined` when there is none.
   * @throws as `forSession`
   */
  forAudit(owner: string): Promise<AuditSealer | undefined>;
}

/** Ties an audit entry to a user for as long as the user's data key lives. */
export interface AuditSealer {
  /** 43 base64url characters; always the same for one data key. */
  readonly subject: string;
  /** `id` is the entry's place. */
  seal(id: string, plaintext: Buffer): Buffer;
  /** @throws GatewayError `record_unreadable` */
  open(id: string, sealed: Buffer): Buffer;
}
