import type { HistoryMessage } from "../../../src/history/history-strategy.ts";

interface Wire {
  readonly role: string;
  readonly tool_calls?: readonly { readonly id: string }[];
  readonly tool_call_id?: string;
}

/**
 * OpenAI's rule, read from the bytes alone: each assistant message with calls is followed by one tool message for each
 * of them and nothing else in between; no other tool message exists. Calls that end the prompt may still be open.
 */
export function breachOf(messages: readonly HistoryMessage[]): string | undefined {
  const wire = messages.map(({ bytes }) => JSON.parse(bytes.toString()) as Wire);
  let index = 0;
  while (index < wire.length) {
    const at = index;
    const { role, tool_calls: calls = [] } = wire[at] as Wire;
    if (role === "tool") return `tool message ${at} answers nothing`;
    index += 1;
    const answered: string[] = [];
    while (calls.length > 0 && wire[index]?.role === "tool") {
      answered.push(wire[index]?.tool_call_id ?? "");
      index += 1;
    }
    if (calls.length > 0 && answered.length === 0 && index === wire.length) return undefined;
    const expected = calls.map(({ id }) => id).toSorted();
    if (answered.toSorted().join() !== expected.join())
      return `calls ${expected.join()} of message ${at}: ${answered.join()}`;
  }
  return undefined;
}
