import type { HeldTurns, HistoryKnobs, HistoryView } from "./history-strategy.ts";
import { Timeline } from "./timeline.ts";

/** Where the context begins before anything is decided, and the transcript from there on or earlier. */
export interface Start {
  readonly timeline: Timeline;
  readonly first: number;
}

export const firstTurnKept = (
  { epochFirstTurn, turns }: Pick<HeldTurns, "epochFirstTurn" | "turns">,
  keepTurns: number,
): number => Math.max(0, Math.min(epochFirstTurn, turns - keepTurns));

/** The same; and where turns are neither sent nor summarised, as after another strategy, the first of them. */
export function firstTurnUntold(held: HeldTurns, { keepTurns, summaryMode }: HistoryKnobs): number {
  const kept = firstTurnKept(held, keepTurns);
  return summaryMode === "off" ? kept : Math.min(kept, held.summarised);
}

/** Where the epoch begins; after a rewind at the last turn at the latest, if that ends with calls that are still open. */
export function epochStart({ epoch, firstLoadedTurn, turns }: HistoryView): number {
  const asks = (turns.at(-1)?.messages.at(-1)?.toolCallIds.length ?? 0) > 0;
  return Math.min(epoch.firstTurn, firstLoadedTurn + turns.length - (asks ? 1 : 0));
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
  const own = epochStart(view);
  const needed = firstTurnKept({ epochFirstTurn: own, turns: turnCount }, keepTurns);
  if (view.firstLoadedTurn > needed) throw new TypeError(`select needs the turns from ${needed} on`);
  if (needed < own) {
    const timeline = new Timeline(view, view.firstLoadedTurn);
    const first = timeline.lastCut(view.firstLoadedTurn, needed);
    if (first < own && fits(timeline, first)) return { timeline, first };
  }
  return { timeline: new Timeline(view, own), first: own };
}
