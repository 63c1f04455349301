import type { HistoryTurn, Summary } from "./history-strategy.ts";

export interface SummaryJob {
  /** Position of the first turn to fold in among the session's active turns. */
  readonly fromTurn: number;
  /** The turns to fold in, oldest first: `[previous?.toTurn ?? 0, toTurn)`. */
  readonly turns: readonly HistoryTurn[];
  readonly previous: Summary | undefined;
  readonly maxTokens: number;
}

/** A text with what it cost; overhead that the savings must answer for. */
export interface SummaryResult {
  readonly text: string;
  readonly model: string;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
}

/** Makes summaries with a model. Rejects when the answer is empty, refused or truncated: the old summary stays then. */
export interface Summariser {
  summarise(job: SummaryJob, caller: SummaryCaller): Promise<SummaryResult>;
}

/** Who pays: lives in memory only, and no longer than the job. */
export interface SummaryCaller {
  readonly model: string;
  /** Header name and value to send upstream; `undefined` where the gateway supplies its own key. */
  readonly credential: { readonly header: string; readonly value: string } | undefined;
  readonly signal: AbortSignal;
}
