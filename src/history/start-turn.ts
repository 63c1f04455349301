import type { HeldTurns, HistoryKnobs, HistoryView } from "./history-strategy.ts";
import { createTimeline, type Timeline } from "./timeline.ts";

/** Where the context begins before anything is decided, and the transcript from there on or earlier. */
export interface Start {
  readonly timeline: Timeline;
  readonly first: number;
}

export const firstTurnKept = ({ epochFirstTurn, turns }: Omit<HeldTurns, "summarised">, keepTurns: number): number =>
  Math.max(0, Math.min(epochFirstTurn, turns - keepTurns));

/** The same; and where turns are neither sent nor summarised, as after another strategy, the first of them. */
export function firstTurnUntold(held: HeldTurns, { keepTurns, summaryMode }: HistoryKnobs): number {
  const kept = firstTurnKept(held, keepTurns);
  return summaryMode === "off" ? kept : Math.min(kept, held.summarised);
}

/**
 * The epoch's own start; or, where less than the promised turns would be left (after a rewind, another strategy or
 * changed knobs), an earlier legal one, as long as the prompt `fits`.
 */
export function findStart(
  view: HistoryView,
  keepTurns: number,
  fits: (timeline: Timeline, first: number) => boolean,
): Start {
  const turnCount = view.firstLoadedTurn + view.turns.length;
  const own = Math.min(view.epoch.firstTurn, turnCount);
  const needed = firstTurnKept({ epochFirstTurn: own, turns: turnCount }, keepTurns);
  if (view.firstLoadedTurn > needed) throw new TypeError(`select needs the turns from ${needed} on`);
  if (needed < own) {
    const timeline = createTimeline(view, view.firstLoadedTurn);
    const first = timeline.lastCut(view.firstLoadedTurn, needed);
    if (first < own && fits(timeline, first)) return { timeline, first };
  }
  return { timeline: createTimeline(view, own), first: own };
}
