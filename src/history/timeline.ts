import { findAtoms, headOf } from "./atoms.ts";
import type { HistoryTurn, HistoryView } from "./history-strategy.ts";
import { missingResultTokens } from "./repair.ts";

/** The transcript from some turn on, as cuts see it. A cut at turn `t` leaves the turns `[t, end)`. */
export interface Timeline {
  readonly start: number;
  /** One past the last turn. */
  readonly end: number;
  /** Tokens that a cut at `turn` leaves: without results of calls before it, with stand-ins for missing ones. */
  tokensFrom(turn: number): number;
  mayCutAt(turn: number): boolean;
  /** The last cut in `(from, limit]` that leaves the turns from `limit` on whole, else `from`. */
  lastCut(from: number, limit: number): number;
  /**
   * The same, moved back to a boundary between atoms, or better to a turn that begins with a user message, where that
   * still takes away half as much.
   */
  latestCut(from: number, limit: number): number;
  /** The first turn from which on at most `tokens` remain. */
  firstFitting(tokens: number): number;
  /**
   * The first cut at `limit` or later, else the last one there is; moved on to a boundary between atoms, or better to a
   * turn that begins with a user message, where that still leaves half as much.
   */
  earliestCut(from: number, limit: number): number;
}

type Test = (turn: number) => boolean;

/** `start` must be loaded. One pass over messages that were counted before. */
export function createTimeline(view: HistoryView, start: number): Timeline {
  const turns = view.turns.slice(start - view.firstLoadedTurn);
  const end = start + turns.length;
  const { boundaries, unanswered } = findAtoms(turns, view.incoming);
  const remaining = remainingTokens(turns, unanswered, view);
  const tokensFrom = (turn: number): number => remaining[turn - start] ?? 0;
  const mayCutAt: Test = (turn) => (boundaries[turn - start] ?? "closed") !== "closed";
  const isClean: Test = (turn) => boundaries[turn - start] === "clean";
  const beginsWithUser: Test = (turn) =>
    isClean(turn) && (turn === end ? view.incoming[0] : turns[turn - start]?.messages[0])?.role === "user";

  // A seam takes the head of its turn along, so that only the turns behind it stay whole.
  const lastCut = (from: number, limit: number): number =>
    lastWhere(limit, from, (turn) => isClean(turn) || (turn < limit && mayCutAt(turn)));

  function latestCut(from: number, limit: number): number {
    const last = lastCut(from, limit);
    const enough = (tokensFrom(from) - tokensFrom(last)) / 2;
    const takesEnough: Test = (turn) => tokensFrom(from) - tokensFrom(turn) >= enough;
    return [beginsWithUser, isClean].map((passes) => lastWhere(last, from, passes)).find(takesEnough) ?? last;
  }

  function earliestCut(from: number, limit: number): number {
    const first = firstWhere(Math.max(limit, from), end, mayCutAt) ?? lastWhere(end, from, mayCutAt);
    const leavesEnough: Test = (turn) => tokensFrom(turn) * 2 >= tokensFrom(first);
    const better = [beginsWithUser, isClean].map((passes) => firstWhere(first, end, passes));
    return better.find((turn) => turn !== undefined && leavesEnough(turn)) ?? first;
  }

  const firstFitting = (tokens: number): number => firstWhere(start, end, (turn) => tokensFrom(turn) <= tokens) ?? end;

  return { start, end, tokensFrom, mayCutAt, lastCut, latestCut, earliestCut, firstFitting };
}

function remainingTokens(turns: readonly HistoryTurn[], unanswered: readonly number[], view: HistoryView): number[] {
  const standIn = unanswered.some((count) => count > 0) ? missingResultTokens((text) => view.countText(text)) : 0;
  const remaining = Array.from({ length: turns.length + 1 }, () => 0);
  let sum = 0;
  for (let index = turns.length - 1; index >= 0; index -= 1) {
    const messages = turns[index]?.messages ?? [];
    for (const message of messages) sum += message.tokens;
    sum += standIn * (unanswered[index] ?? 0);
    remaining[index] = headOf(messages).reduce((rest, { tokens }) => rest - tokens, sum);
  }
  return remaining;
}

/** The last turn in `(from, limit]` that passes, else `from`. */
function lastWhere(limit: number, from: number, passes: Test): number {
  for (let turn = limit; turn > from; turn -= 1) if (passes(turn)) return turn;
  return from;
}

function firstWhere(from: number, to: number, passes: Test): number | undefined {
  for (let turn = from; turn <= to; turn += 1) if (passes(turn)) return turn;
  return undefined;
}
