/**
 * Where sessions rest: opaque sealed bytes and a few plain index fields. A store knows neither OpenAI nor encryption.
 *
 * Every method rejects with GatewayError `store_unavailable` when the backend cannot answer; absence is never an error.
 * A record whose `expiresAt` is not after the store's clock counts as absent in every method.
 */
export interface SessionStore {
  /**
   * The session as one snapshot, in one round trip; `undefined` when it was never written, expired or was removed.
   *
   * With a `known` revision that is still current, head, slots and turns are left out. With one of the same
   * incarnation, `turns` are those after `known.sequence`; otherwise those from the session's `loadFrom` on.
   */
  load(key: string, known?: KnownRevision): Promise<StoredSession | undefined>;

  /** Turns with `from <= sequence < to`, in order. Gaps mean that rows were lost: the caller checks its chain. */
  readTurns(key: string, from: number, to: number): Promise<SealedTurn[]>;

  /**
   * Writes head, turn and slots as one atomic step if the stored revision still equals `expected` (`undefined`: the
   * session must not exist). Resolves after the write is as durable as the backend makes it. On a conflict nothing
   * is written and the current snapshot comes back, loaded as `load(key, commit.known)` would.
   *
   * A rejected commit may have been written all the same (a reply lost, a timeout): repeat it unchanged. One that is
   * in place (stored revision, head bytes and turn id are its own) is acknowledged again and written once; if another
   * writer has gone on since, it conflicts and `current.turns` holds its turn id. Writers that race from one revision
   * may choose the same next one, so heads must differ in their bytes, as sealed ones do.
   *
   * Rejects with TypeError, and writes nothing, when another turn has `turn.sequence`: a turn is never overwritten.
   */
  commit(commit: SessionCommit): Promise<CommitOutcome>;

  /** Removes every row of the session. True if there was a live one. Idempotent. */
  remove(key: string): Promise<boolean>;

  /**
   * Sessions of one owner, newest created first (`asc`: oldest first; equal times by the bytes of the key), after the
   * cursor row, which need not exist any more; by index, never by scan.
   */
  list(owner: string, page: ListPage): Promise<SessionRow[]>;

  /** How many live sessions the owner has, but never more than `atMost`; by index, never by scan. */
  count(owner: string, atMost: number): Promise<number>;

  /**
   * Removes every row of every session of the owner, live or expired, that was written before the call. Resolves to how
   * many live sessions there were. Idempotent; one that failed may be repeated.
   * @param step runs each piece of the work: of many sessions there are many, and none takes longer than another call
   */
  removeOwner(owner: string, step?: Step): Promise<number>;

  /**
   * Keys of live sessions, a page of the whole store at a time, in no order. A session that is live throughout the walk
   * is named at least once, perhaps more often. For moving house, never for a request: it may read everything.
   * @param after the `next` of the page before; `undefined` starts the walk
   */
  scan(after: string | undefined): Promise<ScannedKeys>;
}

/** Runs a piece of a longer work, which ends with the first piece that rejects. */
export type Step = <T>(piece: () => Promise<T>) => Promise<T>;

export const runPiece: Step = (piece) => piece();

export const committed: CommitOutcome = { committed: true };

const noSlots: StoredSession["slots"] = new Map();
const noTurns: StoredSession["turns"] = [];

/** The answer to a load by one who holds this very revision. */
export const unchangedSession = (revision: string, fields: SessionFields): StoredSession => ({
  revision,
  fields,
  head: undefined,
  slots: noSlots,
  turns: noTurns,
});

export interface KnownRevision {
  readonly revision: string;
  /** The highest turn sequence the caller holds; -1 for none. */
  readonly sequence: number;
}

/** Plain index fields; times in whole milliseconds since the Unix epoch. */
export interface SessionFields {
  /** Keyed hash of tenant and user. */
  readonly owner: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** The lowest turn sequence a cold load needs. */
  readonly loadFrom: number;
}

export interface SealedTurn {
  /** 0, 1, 2, … in the order of commits. */
  readonly sequence: number;
  /** 32 lowercase hex digits, random. */
  readonly id: string;
  readonly sealed: Buffer;
}

export interface StoredSession {
  /** `<incarnation>.<number>`; the incarnation is random, so a recreated session is never mistaken for the old one. */
  readonly revision: string;
  readonly fields: SessionFields;
  /** Absent when the caller's revision is current. */
  readonly head: Buffer | undefined;
  /** Small named records that are replaced whole: `system`, `summary`, … Empty when the caller's revision is current. */
  readonly slots: ReadonlyMap<string, Buffer>;
  readonly turns: readonly SealedTurn[];
}

export interface SessionCommit {
  readonly key: string;
  readonly expected: string | undefined;
  readonly revision: string;
  readonly fields: SessionFields;
  readonly head: Buffer;
  /** Slots to replace; `null` removes one; slots not named stay. */
  readonly slots?: ReadonlyMap<string, Buffer | null>;
  /** Absent when only head or slots change. */
  readonly turn?: SealedTurn;
  /** What the caller holds, so that a conflict answers with the difference. */
  readonly known?: KnownRevision;
}

export type CommitOutcome =
  /** `deferred`: acknowledged, and kept where only this process sees it until the backend answers. */
  | { readonly committed: true; readonly deferred?: true }
  | { readonly committed: false; readonly current: StoredSession | undefined };

export interface ListPage {
  readonly limit: number;
  readonly order: "asc" | "desc";
  /** Rows strictly after this one in the listing's order. */
  readonly after?: { readonly createdAt: number; readonly key: string };
}

export interface ScannedKeys {
  /** May be empty although more follow. */
  readonly keys: readonly string[];
  /** Absent on the last page. */
  readonly next?: string;
}

export interface SessionRow {
  readonly key: string;
  readonly revision: string;
  readonly fields: SessionFields;
  readonly head: Buffer;
}
