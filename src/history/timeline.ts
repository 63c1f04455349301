import { type Boundary, findAtoms, headOf, turnsFrom } from "./atoms.ts";
import type { HistoryTurn, HistoryView } from "./history-strategy.ts";
import { missingResultTokens } from "./repair.ts";

type Test = (turn: number) => boolean;

/** The transcript from some turn on, as cuts see it. A cut at turn `t` leaves the turns `[t, end)`. */
export class Timeline {
  readonly start: number;
  /** One past the last turn. */
  readonly end: number;
  readonly #view: HistoryView;
  readonly #boundaries: readonly Boundary[];
  readonly #remaining: readonly number[];

  /** `start` must be loaded. One pass over messages that were counted before. */
  constructor(view: HistoryView, start: number) {
    const turns = turnsFrom(view, start);
    const { boundaries, unanswered } = findAtoms(turns, view.incoming);
    this.start = start;
    this.end = start + turns.length;
    this.#view = view;
    this.#boundaries = boundaries;
    this.#remaining = remainingTokens(turns, unanswered, view);
  }

  /** Tokens that a cut at `turn` leaves: without results of calls before it, with stand-ins for missing ones. */
  tokensFrom(turn: number): number {
    return this.#remaining[turn - this.start] ?? 0;
  }

  mayCutAt(turn: number): boolean {
    return (this.#boundaries[turn - this.start] ?? "closed") !== "closed";
  }

  /**
   * The last cut in `(from, limit]` that leaves the turns from `limit` on whole, else `from`. A seam takes the head of its
   * turn along, so that only the turns behind it stay whole.
   */
  lastCut(from: number, limit: number): number {
    return lastWhere(limit, from, (turn) => this.#isClean(turn) || (turn < limit && this.mayCutAt(turn)));
  }

  /**
   * The same, moved back to a boundary between atoms, or better to a turn that begins with a user message, where that
   * still takes away half as much.
   */
  latestCut(from: number, limit: number): number {
    const last = this.lastCut(from, limit);
    if (last === from) return last;
    const whole = this.tokensFrom(from);
    const enough = (whole - this.tokensFrom(last)) / 2;
    const takesEnough: Test = (turn) => whole - this.tokensFrom(turn) >= enough;
    return this.#better.map((passes) => lastWhere(last, from, passes)).find(takesEnough) ?? last;
  }

  /** The first turn from which on at most `tokens` remain. */
  firstFitting(tokens: number): number {
    return firstWhere(this.start, this.end, (turn) => this.tokensFrom(turn) <= tokens) ?? this.end;
  }

  /**
   * The first cut at `limit` or later, else the last one there is; moved on to a boundary between atoms, or better to a
   * turn that begins with a user message, where that still leaves half as much.
   */
  earliestCut(from: number, limit: number): number {
    const mayCutAt: Test = (turn) => this.mayCutAt(turn);
    const first = firstWhere(Math.max(limit, from), this.end, mayCutAt) ?? lastWhere(this.end, from, mayCutAt);
    const leavesEnough: Test = (turn) => this.tokensFrom(turn) * 2 >= this.tokensFrom(first);
    const better = this.#better.map((passes) => firstWhere(first, this.end, passes));
    return better.find((turn) => turn !== undefined && leavesEnough(turn)) ?? first;
  }

  /** Where a cut had better be, the best first. */
  get #better(): readonly Test[] {
    return [(turn) => this.#isClean(turn) && this.#beginsWithUser(turn), (turn) => this.#isClean(turn)];
  }

  #isClean(turn: number): boolean {
    return this.#boundaries[turn - this.start] === "clean";
  }

  #beginsWithUser(turn: number): boolean {
    const { incoming, turns, firstLoadedTurn } = this.#view;
    return (turn === this.end ? incoming[0] : turns[turn - firstLoadedTurn]?.messages[0])?.role === "user";
  }
}

function remainingTokens(turns: readonly HistoryTurn[], unanswered: readonly number[], view: HistoryView): number[] {
  const standIn = unanswered.some((count) => count > 0) ? missingResultTokens((text) => view.countText(text)) : 0;
  const remaining = [0];
  let sum = 0;
  for (let index = turns.length - 1; index >= 0; index -= 1) {
    const messages = turns[index]?.messages ?? [];
    for (const message of messages) sum += message.tokens;
    sum += standIn * (unanswered[index] ?? 0);
    let whole = sum;
    for (const { tokens } of headOf(messages)) whole -= tokens;
    remaining.push(whole);
  }
  return remaining.reverse();
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
