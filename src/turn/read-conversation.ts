import { hash } from "node:crypto";

import type { HistoryMessage } from "../history/history-strategy.ts";
import { createWorkSlices, isOneSlice } from "../kit/work-slices.ts";
import type { ChatMessage } from "../protocol/chat-message.ts";
import type { RequestMessage } from "../protocol/chat-request.ts";
import type { StoredMessage } from "../session/turn-record.ts";
import type { TokenCounter } from "../tokens/token-counter.ts";

/** A message of the request's conversation: what the client sent, and how it will travel. */
export interface IncomingMessage {
  readonly message: ChatMessage;
  readonly fingerprint: string;
  readonly sent: HistoryMessage;
  /** Its stored form, where it was redacted before it is sent. */
  readonly stored?: StoredMessage;
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

/** By which a request's system messages are known to be the ones of the request before. */
export const hashSystem = (system: readonly RequestMessage[]): string =>
  hash("sha256", Buffer.concat(system.map(({ bytes }) => bytes)), "base64url");

/** The form in which a message travels: its bytes with what the history engine must know of it. */
export function toHistoryMessage(
  message: ChatMessage,
  { bytes, tokens, redactions = 0 }: { bytes: Buffer; tokens: number; redactions?: number },
): HistoryMessage {
  return {
    role: message.role,
    bytes,
    tokens,
    toolCallIds: toolCallIdsOf(message),
    toolCallId: message.tool_call_id ?? undefined,
    redactions,
  };
}

const noCalls: readonly string[] = [];

export const toolCallIdsOf = ({ tool_calls: calls }: ChatMessage): readonly string[] =>
  calls ? calls.map(({ id }) => id) : noCalls;

/** Counted only when asked: of a replayed message the transcript knows the count already. */
function readMessage({ message, bytes }: RequestMessage, counter: TokenCounter): HistoryMessage {
  let tokens: number | undefined;
  return {
    ...toHistoryMessage(message, { bytes, tokens: 0 }),
    get tokens() {
      return (tokens ??= counter.countMessage(message));
    },
  };
}

/** Counts messages, where there is much to count in slices, so that many large ones do not hold the event loop together. */
export function countMessages(
  messages: readonly IncomingMessage[],
): readonly IncomingMessage[] | Promise<readonly IncomingMessage[]> {
  if (!isOneSlice(messages.reduce((sum, { sent }) => sum + sent.bytes.length, 0))) return countInSlices(messages);
  for (const { sent } of messages) void sent.tokens;
  return messages;
}

async function countInSlices(messages: readonly IncomingMessage[]): Promise<readonly IncomingMessage[]> {
  const slices = createWorkSlices();
  for (const { sent } of messages) {
    const pause = slices.before(sent.bytes.length);
    if (pause) await pause;
    void sent.tokens;
  }
  return messages;
}

export interface ReadingParts {
  readonly counter: TokenCounter;
  readonly fingerprint: (message: ChatMessage) => string;
}

/** Fingerprints a request's conversation, in slices as well. */
export function readConversation(
  messages: readonly RequestMessage[],
  parts: ReadingParts,
): IncomingMessage[] | Promise<IncomingMessage[]> {
  const isShort = isOneSlice(messages.reduce((sum, { bytes }) => sum + bytes.length, 0));
  return isShort ? messages.map((incoming) => readIncoming(incoming, parts)) : readInSlices(messages, parts);
}

async function readInSlices(messages: readonly RequestMessage[], parts: ReadingParts): Promise<IncomingMessage[]> {
  const slices = createWorkSlices();
  const read: IncomingMessage[] = [];
  for (const incoming of messages) {
    const pause = slices.before(incoming.bytes.length);
    if (pause) await pause;
    read.push(readIncoming(incoming, parts));
  }
  return read;
}

function readIncoming(incoming: RequestMessage, { counter, fingerprint }: ReadingParts): IncomingMessage {
  const { message } = incoming;
  return { message, fingerprint: fingerprint(message), sent: readMessage(incoming, counter) };
}
