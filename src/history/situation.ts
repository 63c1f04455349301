import type { CompactionRule, HistoryView, Summary } from "./history-strategy.ts";
import type { Carrying } from "./ledger.ts";
import { fixedTokens } from "./prompt-size.ts";
import { findStart } from "./start-turn.ts";
import { createSummaryMessage } from "./summary-message.ts";
import { createSummaryShelf, type SummaryShelf } from "./summary-shelf.ts";
import type { Timeline } from "./timeline.ts";

/** A view with what every decision on it asks for. */
export interface Situation {
  readonly view: HistoryView;
  readonly rule: CompactionRule;
  /** Empty where the rule has no summaries. */
  readonly shelf: SummaryShelf;
  readonly timeline: Timeline;
  /** The first turn sent if nothing is cut. */
  readonly first: number;
  /** The last turn a cut may reach, and the legal cut before it. */
  readonly limit: number;
  readonly lowWater: number;
  /** Tokens of the prompt besides summary and turns. */
  readonly fixedTokens: number;
  readonly carrying: Carrying;
}

export function surveySituation(view: HistoryView, rule: CompactionRule): Situation {
  const shelf = createSummaryShelf(rule.summaryMode === "off" ? [] : view.summaries);
  const fixed = fixedTokens(view);
  const { timeline, first } = findStart(
    view,
    rule.keepTurns,
    (tried, start) =>
      fixed + summaryTokens(view, shelf.shownAt(start)) + tried.tokensFrom(start) <= view.knobs.maxTokens,
  );
  const limit = lastReach(timeline, first, rule);
  return {
    view,
    rule,
    shelf,
    timeline,
    first,
    limit,
    lowWater: timeline.latestCut(first, limit),
    fixedTokens: fixed,
    carrying: { ledger: view.epoch.ledger, cold: isCold(view), economics: view.economics },
  };
}

/** Tokens that a summary takes in the prompt. */
export const summaryTokens = (view: HistoryView, summary: Summary | undefined): number =>
  summary ? createSummaryMessage(summary, view.knobs.summaryRole, (text) => view.countText(text)).tokens : 0;

function lastReach(timeline: Timeline, first: number, { keepTurns, floorTokens }: CompactionRule): number {
  let limit = Math.max(first, timeline.end - keepTurns);
  while (limit > first && timeline.tokensFrom(limit) < floorTokens) limit -= 1;
  return limit;
}

/** Idle for longer than the cache lives, and nothing else: a miss shows in the calibrated price of a cached token. */
export const isCold = ({ now, lastAskedAt, economics }: HistoryView): boolean =>
  lastAskedAt === undefined || now - lastAskedAt > economics.cacheTtlMs;
