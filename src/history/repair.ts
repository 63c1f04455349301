import type { HistoryMessage } from "./history-strategy.ts";
import { behindOrderly, isTalk, pairToolCalls } from "./tool-pairs.ts";

export interface Messages {
  readonly history: readonly HistoryMessage[];
  readonly incoming: readonly HistoryMessage[];
}

const NO_RESULT = "(no result was recorded)";

/**
 * Makes the sequence legal: every tool result stands directly behind its call, results without a call are gone, and a
 * call without a result that is followed by anything gets a stand-in. What is legal already keeps its order, element by
 * element, so that the front of a prompt does not change when something is wrong further back.
 */
export function repair(messages: Messages, countText: (text: string) => number): Messages {
  if (isTalk(messages.history) && isTalk(messages.incoming)) return messages;
  const all = [...messages.history, ...messages.incoming];
  const order = legalOrder(all);
  if (!order) return messages;
  const placed = order.map((item) =>
    typeof item === "number" ? (all[item] as HistoryMessage) : missingResult(item.answers, countText),
  );
  const border = endOfHistory(order, messages.history.length);
  return { history: placed.slice(0, border), incoming: placed.slice(border) };
}

/** Tokens of the stand-in for a result: framing, role and content (OpenAI cookbook). */
export const missingResultTokens = (countText: (text: string) => number): number =>
  3 + countText("tool") + countText(NO_RESULT);

function missingResult(toolCallId: string, countText: (text: string) => number): HistoryMessage {
  return {
    role: "tool",
    bytes: Buffer.from(JSON.stringify({ role: "tool", tool_call_id: toolCallId, content: NO_RESULT })),
    tokens: missingResultTokens(countText),
    toolCallIds: [],
    toolCallId,
    redactions: 0,
  };
}

/** A message by its position, or a stand-in. */
type Item = number | { readonly answers: string };

/** The order in which the sequence is legal; `undefined` when it is so as it stands. */
function legalOrder(all: readonly HistoryMessage[]): Item[] | undefined {
  if (isOrderly(all)) return undefined;
  const resultsOf = pairToolCalls(all);
  const lastSpoken = all.findLastIndex(({ role }) => role !== "tool");
  const order: Item[] = [];
  all.forEach(({ role, toolCallIds }, index) => {
    if (role === "tool") return;
    order.push(index);
    const results = resultsOf.get(index);
    if (!results) return;
    if (index === lastSpoken && results.every((result) => result === undefined)) return;
    if (standsBehind(index, results)) order.push(...results.map((_, offset) => index + 1 + offset));
    else order.push(...results.map((result, position) => result ?? { answers: toolCallIds[position] ?? "" }));
  });
  return order.length === all.length && order.every((item, index) => item === index) ? undefined : order;
}

function isOrderly(all: readonly HistoryMessage[]): boolean {
  let position: number | undefined = 0;
  while (position !== undefined && position < all.length) position = behindOrderly(all, position);
  return position !== undefined;
}

const standsBehind = (call: number, results: readonly (number | undefined)[]): boolean =>
  results.every((result) => result !== undefined && result > call && result <= call + results.length);

/** History ends behind its last own message and the stand-ins that follow it: what stands later came in with the request. */
function endOfHistory(order: readonly Item[], historyLength: number): number {
  let border = order.findLastIndex((item) => typeof item === "number" && item < historyLength) + 1;
  while (typeof order[border] === "object") border += 1;
  return border;
}
