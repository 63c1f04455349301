import type { CutReason, EpochState, HistoryMessage, Summary } from "../history/history-strategy.ts";
import type { ClientHabits } from "../session/reconcile.ts";
import type { BillingState, SentContext, SessionBinding, SessionTotals } from "../session/session-head.ts";
import type { TurnRecord } from "../session/turn-record.ts";
import type { Withheld } from "../session/withheld.ts";

/** A turn ready to be stored, and what it does to the session's head. All but `withheld` is redacted. */
export interface TurnDraft {
  readonly sessionId: string;
  /** What a session without a binding is bound to from now on; `undefined` where nothing is. */
  readonly binding: SessionBinding | undefined;
  readonly record: Omit<TurnRecord, "sequence">;
  /** First line of the first user message; counts only for the session's first turn. */
  readonly title: string;
  readonly habits: ClientHabits;
  /** System messages the client sent, when they differ from the ones last sent. */
  readonly system: { readonly hash: string; readonly messages: readonly HistoryMessage[] } | undefined;
  /** What this turn's redaction took out and may be put back. The one part in clear: it is sealed apart. */
  readonly withheld: Withheld;
  readonly epoch: EpochChange;
  readonly billing: BillingState;
  readonly totals: Omit<SessionTotals, "overheadTokens">;
  readonly sent: SentContext;
  readonly askedAt: number;
}

export interface EpochChange {
  /** Number of the epoch the plan was made on: it stands only while that one does. */
  readonly parent: number;
  readonly state: EpochState;
  readonly cut: CutReason | undefined;
  /** The turn before the epoch's first, as planned: where another stands there by now, the epoch does not begin. */
  readonly after: string | undefined;
  /** What this turn added to the ledger; all that survives of the change when another writer was first. */
  readonly carried: number;
  readonly digest: Summary | undefined;
}
