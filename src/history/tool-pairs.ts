import type { HistoryMessage } from "./history-strategy.ts";

/** Which message answers which call, by position in the messages given. */
export interface ToolPairs {
  /** By position of the calling assistant message: the position of each call's result, in the order of its calls. */
  readonly resultsOf: ReadonlyMap<number, readonly (number | undefined)[]>;
}

interface OpenCall {
  readonly results: (number | undefined)[];
  readonly position: number;
}

/**
 * A result answers the nearest call before it with its id, since some servers count their ids anew on every turn; only
 * one whose id was not called before it looks ahead. The first result of a call counts, later ones answer nothing.
 */
export function pairToolCalls(messages: readonly HistoryMessage[]): ToolPairs {
  const resultsOf = new Map<number, (number | undefined)[]>();
  const openCalls = new Map<string, OpenCall[]>();
  const early: number[] = [];
  messages.forEach(({ role, toolCallIds, toolCallId }, index) => {
    if (toolCallIds.length > 0) resultsOf.set(index, openAll(toolCallIds, openCalls));
    else if (role === "tool" && toolCallId !== undefined) {
      const open = openCalls.get(toolCallId);
      if (open) answer(open, index);
      else early.push(index);
    }
  });
  for (const index of early) answer(openCalls.get(messages[index]?.toolCallId ?? "") ?? [], index);
  return { resultsOf };
}

function openAll(ids: readonly string[], openCalls: Map<string, OpenCall[]>): (number | undefined)[] {
  const results: (number | undefined)[] = ids.map(() => undefined);
  for (const id of ids) openCalls.set(id, []);
  ids.forEach((id, position) => openCalls.get(id)?.push({ results, position }));
  return results;
}

function answer(open: OpenCall[], index: number): void {
  const call = open.shift();
  if (call) call.results[call.position] = index;
}
