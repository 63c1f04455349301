import type { HistoryMessage, HistoryTurn } from "./history-strategy.ts";
import { pairToolCalls } from "./tool-pairs.ts";

/**
 * How turns hang together. Boundary `i` stands before the turn at position `i` of those given; the last boundary
 * stands before the incoming messages.
 */
export interface Atoms {
  /** False where a cut would part a call from a result of it, or cut away a call that may still be answered. */
  readonly mayCut: readonly boolean[];
  /** Calls without a result that each turn makes. */
  readonly unanswered: readonly number[];
}

/**
 * An atom is an assistant message with its tool calls and all their results, in whatever turn these stand; any other
 * message is one by itself. A call is pending while no result and nothing but tool messages follow it in the transcript.
 */
export function findAtoms(turns: readonly HistoryTurn[], incoming: readonly HistoryMessage[]): Atoms {
  const mayCut = Array.from({ length: turns.length + 1 }, () => true);
  const unanswered = turns.map(() => 0);
  const messages = [...turns.flatMap((turn) => turn.messages), ...incoming];
  if (!messages.some(({ toolCallIds }) => toolCallIds.length > 0)) return { mayCut, unanswered };
  const turnOf = positionsInTurns(turns);
  const lastSpoken = lastIndexOfSpoken(messages.slice(0, turnOf.length));
  for (const [call, results] of pairToolCalls(messages)) {
    const turn = turnOf[call];
    if (turn === undefined) continue;
    const missing = results.filter((result) => result === undefined).length;
    const touched = results.flatMap((result) => (result === undefined ? [] : [turnOf[result] ?? turns.length]));
    if (missing > 0 && call === lastSpoken) touched.push(turns.length);
    unanswered[turn] = (unanswered[turn] ?? 0) + missing;
    mayCut.fill(false, Math.min(turn, ...touched) + 1, Math.max(turn, ...touched) + 1);
  }
  return { mayCut, unanswered };
}

const positionsInTurns = (turns: readonly HistoryTurn[]): number[] =>
  turns.flatMap(({ messages }, position) => messages.map(() => position));

const lastIndexOfSpoken = (messages: readonly HistoryMessage[]): number =>
  messages.findLastIndex(({ role }) => role !== "tool");
