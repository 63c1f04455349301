import { toBuffer } from "../kit/held-bytes.ts";
import type { ChatMessage } from "../protocol/chat-message.ts";
import type { HistoryMessage } from "./history-strategy.ts";

/** By position of the calling assistant message: the position of each call's result, in the order of its calls. */
export type ToolPairs = ReadonlyMap<number, readonly (number | undefined)[]>;

interface OpenCall {
  readonly results: (number | undefined)[];
  readonly position: number;
}

/**
 * A result answers the nearest call before it with its id, never a later one: some servers count their ids anew on
 * every turn, and a result whose call is gone must not answer another. The first result of a call counts.
 */
export function pairToolCalls(messages: readonly HistoryMessage[]): ToolPairs {
  const resultsOf = new Map<number, (number | undefined)[]>();
  const openCalls = new Map<string, OpenCall[]>();
  messages.forEach(({ role, toolCallIds, toolCallId }, index) => {
    if (toolCallIds.length > 0) resultsOf.set(index, openAll(toolCallIds, openCalls));
    else if (role === "tool" && toolCallId !== undefined) {
      const call = openCalls.get(toolCallId)?.shift();
      if (call) call.results[call.position] = index;
    }
  });
  return resultsOf;
}

/** Whether no tool is called and none answers, as in most conversations. */
export function isTalk(messages: readonly HistoryMessage[]): boolean {
  for (const { role, toolCallIds } of messages) if (role === "tool" || toolCallIds.length > 0) return false;
  return true;
}

/**
 * Behind `position`, where the next message stands that is no result of the one there: `undefined` unless that is
 * something said, or calls with all their results right behind them in order, as almost all are.
 */
export function behindOrderly(messages: readonly HistoryMessage[], position: number): number | undefined {
  const { role, toolCallIds } = messages[position] as HistoryMessage;
  if (role === "tool") return undefined;
  for (let call = 0; call < toolCallIds.length; call += 1) {
    const result = messages[position + 1 + call];
    if (result?.role !== "tool" || result.toolCallId !== toolCallIds[call]) return undefined;
  }
  return position + 1 + toolCallIds.length;
}

function openAll(ids: readonly string[], openCalls: Map<string, OpenCall[]>): (number | undefined)[] {
  const results: (number | undefined)[] = ids.map(() => undefined);
  for (const id of ids) openCalls.set(id, []);
  ids.forEach((id, position) => openCalls.get(id)?.push({ results, position }));
  return results;
}

/** The results of calls to these tools. */
export function namedResults(messages: readonly HistoryMessage[], names: ReadonlySet<string>): Set<HistoryMessage> {
  const named = new Set<HistoryMessage>();
  for (const [call, results] of pairToolCalls(messages)) {
    const bytes = messages[call]?.bytes;
    if (!bytes || !mayName(toBuffer(bytes), names)) continue;
    const { tool_calls: calls } = JSON.parse(bytes.toString("utf8")) as ChatMessage;
    results.forEach((result, position) => {
      const message = result === undefined ? undefined : messages[result];
      if (message && names.has(calls?.[position]?.function?.name ?? "")) named.add(message);
    });
  }
  return named;
}

/** Parsing is dear: most calls are to other tools. JSON may write any character by its number. */
const mayName = (bytes: Buffer, names: ReadonlySet<string>): boolean =>
  bytes.includes("\\u") || [...names].some((name) => bytes.includes(name));
