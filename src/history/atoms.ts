import type { HistoryMessage, HistoryTurn, HistoryView } from "./history-strategy.ts";
import { behindOrderly, isTalk, pairToolCalls } from "./tool-pairs.ts";

/**
 * Where turns may be parted. A `clean` boundary has no atom across it. A `seam` has one that a tool client leaves on
 * every boundary of a long run: calls at the end of a turn, their results at the head of the next. A cut there takes
 * the whole atom, head included; without it no such run could be cut at all. Any other boundary would part a call from
 * its result, or cut away one that may still be answered.
 */
export type Boundary = "clean" | "seam" | "closed";

/** Boundary `i` stands before the turn at position `i`; the last one before the incoming messages. */
export interface Atoms {
  readonly boundaries: readonly Boundary[];
  /** Calls without a result that each turn makes; empty where there are none. */
  readonly unanswered: readonly number[];
}

/**
 * An atom is an assistant message with its tool calls and all their results, in whatever turn these stand; any other
 * message is one by itself. A call is pending while no result and nothing but tool messages follow it in the transcript.
 */
export function findAtoms(turns: readonly HistoryTurn[], incoming: readonly HistoryMessage[]): Atoms {
  if (turns.every(isTalkTurn) && isTalk(incoming)) return { boundaries: allClean(turns), unanswered: [] };
  const messages = [...messagesOf(turns), ...incoming];
  const boundaries = orderlyBoundaries(turns, messages);
  return boundaries ? { boundaries, unanswered: [] } : anyAtoms(turns, messages);
}

const isTalkTurn = ({ messages }: HistoryTurn): boolean => isTalk(messages);

const clean = (): Boundary => "clean";

function allClean(turns: readonly HistoryTurn[]): Boundary[] {
  const boundaries = turns.map(clean);
  boundaries.push("clean");
  return boundaries;
}

/** Without looking for any pair, which takes several times as long; `undefined` where a call or a result is out of order. */
function orderlyBoundaries(turns: readonly HistoryTurn[], messages: readonly HistoryMessage[]): Boundary[] | undefined {
  const boundaries: Boundary[] = ["clean"];
  let position = 0;
  let end = 0;
  for (let turn = 0; turn < turns.length; turn += 1) {
    end += turns[turn]?.messages.length ?? 0;
    while (position < end) {
      const next = behindOrderly(messages, position);
      if (next === undefined) return undefined;
      position = next;
    }
    const next = turns[turn + 1];
    if (position === end) boundaries.push("clean");
    else boundaries.push(next && position <= end + next.messages.length ? "seam" : "closed");
  }
  return boundaries;
}

function anyAtoms(turns: readonly HistoryTurn[], messages: readonly HistoryMessage[]): Atoms {
  const boundaries = allClean(turns);
  const unanswered = turns.map(() => 0);
  const places = placesIn(turns);
  const lastSpoken = messages.findLastIndex(({ role }, index) => index < places.length && role !== "tool");
  for (const [call, results] of pairToolCalls(messages)) {
    const turn = places[call]?.turn;
    if (turn === undefined) continue;
    const missing = results.filter((result) => result === undefined).length;
    unanswered[turn] = (unanswered[turn] ?? 0) + missing;
    const ends = results.map((result) => (result === undefined ? undefined : (places[result] ?? behind(turns))));
    if (missing > 0 && call === lastSpoken) ends.push(behind(turns));
    const last = Math.max(turn, ...ends.map((end) => end?.turn ?? turn));
    if (last === turn) continue;
    boundaries.fill("closed", turn + 1, last);
    const inHead = ends.every((end) => end === undefined || end.turn < last || end.head);
    if (!inHead) boundaries[last] = "closed";
    else if (boundaries[last] === "clean") boundaries[last] = "seam";
  }
  return { boundaries, unanswered };
}

/** A view's turns from an active turn on, which must be loaded. */
export const turnsFrom = ({ turns, firstLoadedTurn }: HistoryView, first: number): readonly HistoryTurn[] =>
  first === firstLoadedTurn ? turns : turns.slice(first - firstLoadedTurn);

/** As they are sent, one after another; of a thousand turns several times faster than `flatMap`. */
export function messagesOf(turns: readonly HistoryTurn[]): HistoryMessage[] {
  const all: HistoryMessage[] = [];
  for (const { messages } of turns) for (const message of messages) all.push(message);
  return all;
}

const noHead: readonly HistoryMessage[] = [];

/** The tool messages a turn begins with: results of calls before it. */
export function headOf(messages: readonly HistoryMessage[]): readonly HistoryMessage[] {
  if (messages[0]?.role !== "tool") return noHead;
  const end = messages.findIndex(({ role }) => role !== "tool");
  return end < 0 ? messages : messages.slice(0, end);
}

interface Place {
  readonly turn: number;
  readonly head: boolean;
}

const behind = (turns: readonly HistoryTurn[]): Place => ({ turn: turns.length, head: false });

const placesIn = (turns: readonly HistoryTurn[]): Place[] =>
  turns.flatMap(({ messages }, turn) => {
    const headLength = headOf(messages).length;
    return messages.map((_, position) => ({ turn, head: position < headLength }));
  });
