import { setImmediate as nextTurn } from "node:timers/promises";

import type { HistoryMessage } from "../history/history-strategy.ts";
import type { ChatMessage } from "../protocol/chat-message.ts";
import type { RequestMessage } from "../protocol/chat-request.ts";
import type { TokenCounter } from "../tokens/token-counter.ts";

/** A message of the request's conversation: what the client sent, and how it will travel. */
export interface IncomingMessage {
  readonly message: ChatMessage;
  readonly fingerprint: string;
  readonly sent: HistoryMessage;
}

export interface Conversation {
  /** Leading system and developer messages: they belong to the request, not to the history. */
  readonly system: readonly RequestMessage[];
  readonly rest: readonly RequestMessage[];
}

export function splitConversation(messages: readonly RequestMessage[]): Conversation {
  const first = messages.findIndex(({ message: { role } }) => role !== "system" && role !== "developer");
  const end = first < 0 ? messages.length : first;
  return { system: messages.slice(0, end), rest: messages.slice(end) };
}

/** The form in which a message travels: its bytes with what the history engine must know of it. */
export function toHistoryMessage(
  message: ChatMessage,
  { bytes, tokens, redactions = 0 }: { bytes: Buffer; tokens: number; redactions?: number },
): HistoryMessage {
  return {
    role: message.role,
    bytes,
    tokens,
    toolCallIds: message.tool_calls?.map(({ id }) => id) ?? [],
    toolCallId: message.tool_call_id ?? undefined,
    redactions,
  };
}

/** Counted only when asked: of a replayed message the transcript knows the count already. */
export function readMessage({ message, bytes }: RequestMessage, counter: TokenCounter): HistoryMessage {
  let tokens: number | undefined;
  return {
    ...toHistoryMessage(message, { bytes, tokens: 0 }),
    get tokens() {
      return (tokens ??= counter.countMessage(message));
    },
  };
}

/** Counting so many bytes takes a few milliseconds at worst. */
const COUNT_SLICE_BYTES = 1 << 16;

/** Counts messages in slices, so that many large ones do not hold the event loop together. */
export async function countMessages(messages: readonly IncomingMessage[]): Promise<void> {
  let bytes = 0;
  for (const { sent } of messages) {
    bytes += sent.bytes.length;
    if (bytes > COUNT_SLICE_BYTES) {
      bytes = 0;
      await nextTurn();
    }
    void sent.tokens;
  }
}
