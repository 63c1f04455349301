/** The two fingerprints of a stored message; either matches. */
export interface StoredPrint {
  readonly role: string;
  readonly seen: string;
  readonly stored: string;
}

export interface StoredTurnPrint {
  readonly record: {
    readonly messages: readonly StoredPrint[];
    /** One per choice; the client may go on from any. */
    readonly answers: readonly StoredPrint[];
  };
  /** Which choice the transcript went on from. */
  readonly chosen: number;
}

/** What a session has learnt about how its clients speak; kept in its head from turn to turn. */
export interface ClientHabits {
  /** Messages of the session's opening that precede its first real message: few-shot pairs. */
  readonly preamble: number;
  /** `foldChain` over the fingerprints of those messages; "" when there are none. */
  readonly preambleChain: string;
  /**
   * True once a client of this session has replayed: it sent a stored answer back and a user message behind it, or
   * said so by `X-History-Mode`. A tool loop that repeats only its own turn proves nothing.
   */
  readonly replayed: boolean;
}

/** The stored conversation as reconciliation sees it: active turns from `firstTurn` on, and a chain over those before. */
export interface TranscriptPrint extends ClientHabits {
  readonly firstTurn: number;
  readonly messagesBefore: number;
  /** `foldChain` over the `seen` fingerprints of the messages before `firstTurn`; "" when there are none. */
  readonly chainBefore: string;
  readonly turns: readonly StoredTurnPrint[];
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
  /** Active turns that stay; 0, or more than `firstTurn`. Less than there are: the rest is superseded. */
  readonly keepTurns: number;
  /**
   * Leading messages of the first superseded turn that stay, because the client's window begins behind them:
   * the new turn's record repeats them in front of its own. 0 but for windows that begin inside a long turn.
   */
  readonly keepMessages: number;
  /** Choice of the last kept turn that the client went on from. */
  readonly previousChoice: number;
  /** Index of the incoming message where the new turn's messages begin. */
  readonly freshFrom: number;
  /**
   * Where incoming message 0 stands in the transcript, when the client replays: message `i < freshFrom` is the
   * transcript's message `replaysFrom + i`, counted over the whole session with the chosen answers. `undefined` in delta
   * mode, and for a client that sends the session's preamble in front of a window: its messages do not stand in a row.
   */
  readonly replaysFrom: number | undefined;
  /** What the session's head remembers from now on. */
  readonly habits: ClientHabits;
}

/** The turns before `firstTurn` decide: load all and ask again. */
export interface NeedsTurns {
  readonly needsTurnsFrom: 0;
}
