import type { EpochState, Summary } from "./history-strategy.ts";
import { beginEpoch } from "./next-epoch.ts";

export interface RewoundEpoch {
  readonly epoch: EpochState;
  readonly summaries: readonly Summary[];
}

/**
 * What of epoch and summaries survives when only the first `keepTurns` active turns stay. A summary that stands for a
 * turn which is gone says what no longer happened, so it goes. An epoch that began later ends: the next one begins
 * behind the newest summary left. Where summaries stood for the past and none is left, it begins at the start, so that
 * nothing is forgotten; where there were none, the past was not being sent, and a strategy takes back what it needs.
 */
export function rewindEpoch(epoch: EpochState, summaries: readonly Summary[], keepTurns: number): RewoundEpoch {
  const surviving = summaries.every(({ toTurn }) => toTurn <= keepTurns)
    ? summaries
    : summaries.filter(({ toTurn }) => toTurn <= keepTurns);
  if (epoch.firstTurn <= keepTurns) return { epoch, summaries: surviving };
  const behindSummary = surviving.reduce((newest, { toTurn }) => Math.max(newest, toTurn), 0);
  const firstTurn = summaries.length > 0 ? behindSummary : keepTurns;
  return { epoch: beginEpoch(epoch, firstTurn), summaries: surviving };
}
