/** The two fingerprints of a stored message; either matches. */
export interface StoredPrint {
  readonly role: string;
  readonly seen: string;
  readonly stored: string;
}

export interface StoredTurnPrint {
  readonly messages: readonly StoredPrint[];
  /** One per choice; the client may go on from any. */
  readonly answers: readonly StoredPrint[];
  /** Which choice the transcript went on from. */
  readonly chosen: number;
}

/** The stored conversation as reconciliation sees it: active turns from `firstTurn` on, and a chain over those before. */
export interface TranscriptPrint {
  readonly firstTurn: number;
  readonly messagesBefore: number;
  /** `foldChain` over the `seen` fingerprints of the messages before `firstTurn`; "" when there are none. */
  readonly chainBefore: string;
  readonly turns: readonly StoredTurnPrint[];
  /** Messages of the session's opening that precede its first real message: few-shot pairs. */
  readonly preamble: number;
  /** True once a client of this session has replayed. */
  readonly replayed: boolean;
}

/** One message of the request, after its leading system and developer messages. */
export interface IncomingPrint {
  readonly role: string;
  readonly fingerprint: string;
}

export type RequestedMode = "auto" | "delta" | "replay";
export type HistoryMode = "new" | "replay" | "edited" | "regenerated" | "delta";

export interface Reconciled {
  readonly mode: HistoryMode;
  /** Active turns that stay. Less than there are: the rest is superseded. */
  readonly keepTurns: number;
  /** Choice of the last kept turn that the client went on from. */
  readonly previousChoice: number;
  /** Index of the incoming message where the new turn's messages begin. */
  readonly freshFrom: number;
  /**
   * Where incoming message 0 stands in the transcript, when the client replays: message `i < freshFrom` is the
   * transcript's message `replaysFrom + i`, counted over the whole session with the chosen answers. `undefined` in delta mode.
   */
  readonly replaysFrom: number | undefined;
}
