import type { RecallOutcome } from "../history/history-strategy.ts";

/** What one request cost and what replaying everything would have cost, in tokens and USD. */
export interface TurnFigures {
  readonly model: string;
  readonly strategy: string;
  readonly mode: string;
  /** Prompt tokens the provider billed. */
  readonly sentTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
  /** Prompt tokens a full replay would have been billed, and how many of them from the cache it would have had. */
  readonly baselineTokens: number;
  readonly baselineCachedTokens: number;
  /** `undefined` for a model without a price. */
  readonly usd: { readonly sent: number; readonly baseline: number } | undefined;
}

/** The gateway's own model calls: summaries, embeddings. */
export interface OverheadFigures {
  readonly model: string;
  readonly purpose: "summary" | "embedding";
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly usd: number | undefined;
}

/** What a turn that was forwarded untouched would have saved. Signed. */
export interface ObservedFigures extends Pick<TurnFigures, "model" | "strategy" | "mode"> {
  readonly tokens: number;
  readonly usd: number | undefined;
}

export type DegradedReason =
  | "load_failed"
  | "append_failed"
  | "append_deferred"
  | "redaction_failed"
  | "seal_failed"
  | "session_unreadable"
  | "summary_failed"
  | "embedding_failed"
  | "tokens_estimated"
  | "limits_unshared"
  | "stored_form"
  | "session_removed"
  | "store_lost"
  | "audit_failed";

export type Stage = "load" | "reconcile" | "plan" | "redact" | "seal" | "append" | "total";

/** Counts what happens. Never throws and never blocks: telemetry does not touch a request. */
export interface TurnMeter {
  turn(figures: TurnFigures): void;
  /** Beside `turn`, whose figures then save nothing. */
  observed(figures: ObservedFigures): void;
  overhead(figures: OverheadFigures): void;
  compaction(reason: string, epochTurns: number): void;
  recall(outcome: RecallOutcome): void;
  redactions(counts: Readonly<Record<string, number>>): void;
  degraded(reason: DegradedReason): void;
  /** What became of a turn that waited in the outbox. */
  delivered(delivery: string): void;
  stage(stage: Stage, milliseconds: number): void;
  store(operation: string, outcome: "ok" | "error", milliseconds: number): void;
  /** One upstream request, for the GenAI conventions. `firstByteMs` only for streams. */
  upstream(call: { model: string; status: number; durationMs: number; firstByteMs: number | undefined }): void;
}

/** One line's worth of a turn. The session id is shown to the operator's own terminal only, never logged. */
export interface TurnReport {
  readonly sessionId: string;
  readonly turn: number;
  readonly mode: string;
  readonly sentTokens: number;
  readonly baselineTokens: number;
  readonly savedUsd: number | undefined;
  readonly totalSavedUsd: number | undefined;
  /** Nothing was managed: what is reported would have been sent and saved. */
  readonly observed: boolean;
  readonly overheadMs: number;
  /** Why nothing was saved yet, when nothing was. */
  readonly hint: string | undefined;
}
