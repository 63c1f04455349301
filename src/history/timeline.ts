import { findAtoms } from "./atoms.ts";
import type { HistoryTurn, HistoryView } from "./history-strategy.ts";
import { missingResultTokens } from "./repair.ts";

/** The transcript from some turn on, as cuts see it. A cut at turn `t` leaves the turns `[t, end)`. */
export interface Timeline {
  readonly start: number;
  /** One past the last turn. */
  readonly end: number;
  /** Tokens of the turns `[turn, end)` as they are sent, stand-ins for missing results included. */
  tokensFrom(turn: number): number;
  mayCutAt(turn: number): boolean;
  /** The last legal cut in `(from, limit]`, else `from`. */
  lastLegal(from: number, limit: number): number;
  /** The same, moved back to a turn that begins with a user message where that still takes away half as much. */
  latestCut(from: number, limit: number): number;
  /** The first turn from which on at most `tokens` remain. */
  firstFitting(tokens: number): number;
  /**
   * The first legal cut at `limit` or later, else the last one there is. It is moved on to a turn that begins with a
   * user message where that still leaves half as much.
   */
  earliestCut(from: number, limit: number): number;
}

/** `start` must be loaded. One pass over messages that were counted before. */
export function createTimeline(view: HistoryView, start: number): Timeline {
  const turns = view.turns.slice(start - view.firstLoadedTurn);
  const end = start + turns.length;
  const { mayCut, unanswered } = findAtoms(turns, view.incoming);
  const remaining = remainingTokens(turns, unanswered, view);
  const tokensFrom = (turn: number): number => remaining[turn - start] ?? 0;
  const mayCutAt = (turn: number): boolean => mayCut[turn - start] ?? false;
  const beginsWithUser = (turn: number): boolean =>
    (turn === end ? view.incoming[0] : turns[turn - start]?.messages[0])?.role === "user";

  const lastLegal = (from: number, limit: number): number => lastWhere(limit, from, mayCutAt);

  function latestCut(from: number, limit: number): number {
    const last = lastLegal(from, limit);
    const enough = (tokensFrom(from) - tokensFrom(last)) / 2;
    const users = lastWhere(last, from, (turn) => mayCutAt(turn) && beginsWithUser(turn));
    return tokensFrom(from) - tokensFrom(users) >= enough ? users : last;
  }

  function earliestCut(from: number, limit: number): number {
    const first = firstWhere(Math.max(limit, from), end, mayCutAt) ?? lastLegal(from, end);
    const users = firstWhere(first, end, (turn) => mayCutAt(turn) && beginsWithUser(turn));
    return users !== undefined && tokensFrom(users) * 2 >= tokensFrom(first) ? users : first;
  }

  function firstFitting(tokens: number): number {
    return firstWhere(start, end, (turn) => tokensFrom(turn) <= tokens) ?? end;
  }

  return { start, end, tokensFrom, mayCutAt, lastLegal, latestCut, earliestCut, firstFitting };
}

function remainingTokens(turns: readonly HistoryTurn[], unanswered: readonly number[], view: HistoryView): number[] {
  const standIn = unanswered.some((count) => count > 0) ? missingResultTokens((text) => view.countText(text)) : 0;
  const remaining = Array.from({ length: turns.length + 1 }, () => 0);
  let sum = 0;
  for (let index = turns.length - 1; index >= 0; index -= 1) {
    for (const message of turns[index]?.messages ?? []) sum += message.tokens;
    sum += standIn * (unanswered[index] ?? 0);
    remaining[index] = sum;
  }
  return remaining;
}

/** The last turn in `(from, limit]` that passes, else `from`. */
function lastWhere(limit: number, from: number, passes: (turn: number) => boolean): number {
  for (let turn = limit; turn > from; turn -= 1) if (passes(turn)) return turn;
  return from;
}

function firstWhere(from: number, to: number, passes: (turn: number) => boolean): number | undefined {
  for (let turn = from; turn <= to; turn += 1) if (passes(turn)) return turn;
  return undefined;
}
