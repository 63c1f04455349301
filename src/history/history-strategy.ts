import type { Bytes } from "../kit/held-bytes.ts";

/** One message as it is sent: its final JSON bytes, never parsed or stringified again. */
export interface HistoryMessage {
  readonly role: string;
  readonly bytes: Bytes;
  readonly tokens: number;
  /** Ids of the calls an assistant message makes; empty for every other message. */
  readonly toolCallIds: readonly string[];
  /** The call a tool message answers. */
  readonly toolCallId: string | undefined;
  /** Placeholders in it that stand for withheld values. */
  readonly redactions: number;
  /** Set on the short form of an old message: the message it stands for. */
  readonly original?: HistoryMessage;
}

/** One exchange of the transcript. */
export interface HistoryTurn {
  /** As they would be sent: a replaying client's own bytes, else the stored ones. */
  readonly messages: readonly HistoryMessage[];
  /** As stored, redacted: the only text a summary or digest may be made of. */
  readonly stored: readonly HistoryMessage[];
}

/** Text that stands for the active turns `[0, toTurn)`. */
export interface Summary {
  readonly toTurn: number;
  readonly text: string;
  readonly by: "model" | "extractive";
  /** Where the text that was newly read for it begins; the rest came through the summary before it. */
  readonly fromTurn: number;
}

/** A run of requests whose context only grows at its end. Kept in the session's sealed head. */
export interface EpochState {
  /** 0, 1, 2, …; grows with each compaction. */
  readonly number: number;
  /** The first active turn sent verbatim. */
  readonly firstTurn: number;
  /** Carrying cost paid since the epoch began, in tokens at the full input price. */
  readonly ledger: number;
  /** True after a summary for this epoch's cut was asked for and did not come: a digest stands in next time. */
  readonly summaryFailed: boolean;
  /** Absent while nothing travels in a short form. */
  readonly aged?: AgedTurns | undefined;
}

/** Active turns before which tool results and images are sent as a note. */
export interface AgedTurns {
  readonly toolResults: number;
  readonly images: number;
}

/** Prices relative to one uncached input token, and the cache's life. */
export interface Economics {
  /** r: a cached token. */
  readonly cachedRatio: number;
  /** w: a token written to the cache. */
  readonly writeRatio: number;
  readonly outputRatio: number;
  readonly cacheTtlMs: number;
}

/** What tells the strategies that compact apart. */
export interface CompactionRule {
  /** Turns that a cut leaves verbatim at least. */
  readonly keepTurns: number;
  /** Tokens that a cut leaves verbatim at least. */
  readonly floorTokens: number;
  readonly summaryMode: HistoryKnobs["summaryMode"];
}

export interface HistoryKnobs {
  readonly windowTurns: number;
  /** Tokens that a window leaves at least besides; 0 where only turns count. */
  readonly windowTokens: number;
  /** Verbatim in `hybrid`. */
  readonly keepTurns: number;
  /** Verbatim in `summary`. */
  readonly summaryKeepTurns: number;
  /** Tokens kept verbatim at least, when there are so many. */
  readonly floorTokens: number;
  /** Hard cap of the whole prompt, in tokens; never exceeded while anything can be cut. */
  readonly maxTokens: number;
  /** Send exactly the counted turns, and pay for it with the prompt cache. */
  readonly exact: boolean;
  readonly summaryMode: "model" | "extractive" | "off";
  /** Tokens a summary or digest may have. */
  readonly summaryTokens: number;
  /** Role of the message that carries the summary. */
  readonly summaryRole: "user" | "system";
  readonly aging: AgingKnobs;
}

/** What of old turns is sent as a note; turns promised verbatim are never touched. */
export interface AgingKnobs {
  readonly enabled: boolean;
  /** Newest tool results, and messages with images, that are sent in full at least. */
  readonly toolResults: number;
  readonly images: number;
  /** Names of tools whose results are always sent in full. */
  readonly excludeTools: readonly string[];
}

/** Everything a strategy may look at, made ready beforehand: `select` does no I/O. */
export interface HistoryView {
  /** Leading system and developer messages of this request. */
  readonly system: readonly HistoryMessage[];
  /** Active turns from `firstLoadedTurn` on, in order. */
  readonly turns: readonly HistoryTurn[];
  readonly firstLoadedTurn: number;
  readonly incoming: readonly HistoryMessage[];
  /** At most two, by `toTurn`: the epoch's own, and one that upkeep prepared for the next. */
  readonly summaries: readonly Summary[];
  readonly epoch: EpochState;
  /** Tokens of the request besides its messages: tools, response format. */
  readonly envelopeTokens: number;
  readonly now: number;
  /** When the session last asked the upstream; `undefined` on its first request. */
  readonly lastAskedAt: number | undefined;
  readonly economics: Economics;
  readonly knobs: HistoryKnobs;
  /** What goes behind the newest message when placeholders are sent. */
  readonly note: string;
  countText(text: string): number;
}

export type CutReason = "ledger" | "cold" | "cap" | "exact";

export interface Selection {
  /** What goes upstream between the system messages and the incoming ones: summary first, then turns, repaired. */
  readonly history: readonly HistoryMessage[];
  /** The incoming messages, repaired together with the history. */
  readonly incoming: readonly HistoryMessage[];
  /** State to keep after this request. */
  readonly epoch: EpochState;
  /** Why turns were cut; `undefined` while the old epoch grows, and where a new one takes back what had been cut. */
  readonly cut: CutReason | undefined;
  /** A summary made on the spot that must be stored with the turn. */
  readonly digest: Summary | undefined;
  /** The turns upkeep should summarise, so that the next cut finds its summary ready. */
  readonly wantsSummary: { readonly fromTurn: number; readonly toTurn: number } | undefined;
  /** A forecast, for people: after how many more turns like these a cut will pay. */
  readonly turnsToCut: number | undefined;
}

/** What is known of a session before its turns are loaded. */
export interface HeldTurns {
  readonly turns: number;
  /** Where the epoch begins. */
  readonly epochFirstTurn: number;
  /** How far summaries reach. */
  readonly summarised: number;
  /** Counted tokens of all turns, and of those from the epoch on; 0 where that is not known. */
  readonly tokens: number;
  readonly epochTokens: number;
}

/** Decides what of a conversation is sent. Pure: the same view gives the same selection. */
export interface HistoryStrategy {
  readonly name: StrategyName;
  /** Whether what a message asks for is looked for among the turns that are not sent. */
  readonly recalls: boolean;
  /** The first active turn `select` has to see. */
  firstTurnNeeded(held: HeldTurns, knobs: HistoryKnobs): number;
  select(view: HistoryView): Selection;
  /** How turns are cut where it pays; absent where only the cap cuts. */
  rule?(knobs: HistoryKnobs): CompactionRule;
}

/** What came of looking for old remarks. `not_asked`: the message asks for nothing; `not_found`: no old place tells. */
export type RecallOutcome = "recalled" | "not_asked" | "not_found" | "no_room" | "failed";

/** The framing of the answer closes every prompt (OpenAI cookbook); no part of what the next one shares with it. */
export const CLOSING_TOKENS = 3;

export const strategyNames = ["full", "window", "summary", "semantic", "hybrid"] as const;
export type StrategyName = (typeof strategyNames)[number];
