import type { HistoryView } from "./history-strategy.ts";
import { createTimeline, type Timeline } from "./timeline.ts";

/** Where the context begins before anything is decided, and the transcript from there on or earlier. */
export interface Start {
  readonly timeline: Timeline;
  readonly first: number;
}

export const firstTurnKept = (epochFirstTurn: number, turnCount: number, keepTurns: number): number =>
  Math.max(0, Math.min(epochFirstTurn, turnCount - keepTurns));

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
  const needed = firstTurnKept(own, turnCount, keepTurns);
  if (view.firstLoadedTurn > needed) throw new TypeError(`select needs the turns from ${needed} on`);
  if (needed < own) {
    const timeline = createTimeline(view, view.firstLoadedTurn);
    const first = timeline.lastCut(view.firstLoadedTurn, needed);
    if (first < own && fits(timeline, first)) return { timeline, first };
  }
  return { timeline: createTimeline(view, own), first: own };
}
