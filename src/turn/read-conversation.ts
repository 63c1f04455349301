import { hash } from "node:crypto";

import type { HistoryMessage } from "../history/history-strategy.ts";
import type { Awaitable } from "../kit/awaitable.ts";
import { mapInSlices } from "../kit/work-slices.ts";
import type { ChatMessage } from "../protocol/chat-message.ts";
import type { RequestMessage } from "../protocol/chat-request.ts";
import type { Fingerprinter } from "../session/fingerprint.ts";
import type { StoredMessage } from "../session/turn-record.ts";
import type { TokenCounter } from "../tokens/token-counter.ts";

/** A message of the request's conversation, as the client sent it. */
export interface IncomingMessage {
  readonly role: string;
  readonly message: ChatMessage;
  readonly bytes: Buffer;
  readonly fingerprint: string;
}

/** One that the transcript does not hold yet. */
export interface FreshMessage extends IncomingMessage {
  /** The form in which it travels. */
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
  if (first === 0) return { system: [], rest: messages };
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

/**
 * Counts what is new, where there is much to count in slices, so that many large messages do not hold the event loop
 * together. Of a replayed message the transcript knows the count already.
 */
export function countMessages(
  messages: readonly IncomingMessage[],
  counter: TokenCounter,
): Awaitable<readonly FreshMessage[]> {
  return mapInSlices(messages, {
    bytesOf: lengthOf,
    map: (incoming) => countedMessage(incoming, counter.countMessage(incoming.message)),
    mapLong: async (incoming) => countedMessage(incoming, await counter.countInSlices(incoming.message)),
  });
}

const countedMessage = ({ role, message, bytes, fingerprint }: IncomingMessage, tokens: number): FreshMessage => ({
  role,
  message,
  bytes,
  fingerprint,
  sent: toHistoryMessage(message, { bytes, tokens }),
});

const lengthOf = ({ bytes }: { readonly bytes: Buffer }): number => bytes.length;

/** Fingerprints a request's conversation, in slices as well. */
export function readConversation(
  messages: readonly RequestMessage[],
  fingerprint: Fingerprinter,
): Awaitable<IncomingMessage[]> {
  return mapInSlices(messages, { bytesOf: lengthOf, map: (message) => readMessage(message, fingerprint) });
}

const readMessage = ({ message, bytes }: RequestMessage, fingerprint: Fingerprinter): IncomingMessage => ({
  role: message.role,
  message,
  bytes,
  fingerprint: fingerprint(message),
});
