import type { Summary } from "./history-strategy.ts";

/** The summaries of a session as a cut sees them. */
export interface SummaryShelf {
  readonly newest: Summary | undefined;
  /** The one that stands for the turns before `turn`. */
  shownAt(turn: number): Summary | undefined;
  /** The newest that ends at `turn` or before. */
  upTo(turn: number): Summary | undefined;
  /** The newest of those that end in `(after, limit]` where `passes`. */
  readyFor(after: number, limit: number, passes: (turn: number) => boolean): Summary | undefined;
}

const emptyShelf: SummaryShelf = {
  newest: undefined,
  upTo: () => undefined,
  shownAt: () => undefined,
  readyFor: () => undefined,
};

export function createSummaryShelf(summaries: readonly Summary[]): SummaryShelf {
  if (summaries.length === 0) return emptyShelf;
  const sorted = summaries.toSorted((left, right) => left.toTurn - right.toTurn);
  const upTo = (turn: number): Summary | undefined => sorted.findLast(({ toTurn }) => toTurn <= turn);
  return {
    newest: sorted.at(-1),
    upTo,
    // Where turns are taken back, a summary stands for some of them as well: better told twice than not at all.
    shownAt: (turn) => (turn === 0 ? undefined : (sorted.find(({ toTurn }) => toTurn >= turn) ?? sorted.at(-1))),
    readyFor: (after, limit, passes) =>
      sorted.findLast(({ toTurn }) => toTurn > after && toTurn <= limit && passes(toTurn)),
  };
}
