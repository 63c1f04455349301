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
   * Makes the user's data key if there is none yet. Data keys are cached for at most 60 s.
   * @throws GatewayError `store_unavailable`, or `record_unreadable` when the master key that wrapped it is missing
   */
  forSession(identity: SessionIdentity): Promise<SessionSealer>;
}
