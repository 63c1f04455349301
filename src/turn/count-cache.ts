import { hash } from "node:crypto";

import { LRUCache } from "lru-cache";

import type { HistoryMessage } from "../history/history-strategy.ts";
import type { Awaitable } from "../kit/awaitable.ts";
import { nextSlice } from "../kit/slice-queue.ts";
import { isLong, mapInSlices } from "../kit/work-slices.ts";
import type { ChatMessage } from "../protocol/chat-message.ts";
import type { ChatRequest, RequestMessage } from "../protocol/chat-request.ts";
import type { TokenCounter } from "../tokens/token-counter.ts";
import { toHistoryMessage } from "./read-conversation.ts";

/** Token counts of what comes with every request unchanged: system messages and tools. Keeps hashes, no text. */
export interface CountCache {
  systemMessages(messages: readonly RequestMessage[], counter: TokenCounter): Awaitable<readonly HistoryMessage[]>;
  envelopeTokens(chat: ChatRequest, counter: TokenCounter): number;
  /** Counts in slices what is long of these, so that it is known when it is asked for. */
  countAhead(system: readonly RequestMessage[], chat: ChatRequest, counter: TokenCounter): Promise<void> | undefined;
  /** Nobody knows whose text a hash is of, so an erasure takes them all. */
  clear(): void;
}

const MAX_ENTRIES = 5_000;
/** Fields that the provider renders into the prompt beside the messages. */
const renderedFields = ["tools", "functions", "response_format"] as const;

export function createCountCache(): CountCache {
  const counts = new LRUCache<string, number>({ max: MAX_ENTRIES });
  const keyOf = (bytes: Buffer, counter: TokenCounter): string =>
    `${counter.vocabulary}:${hash("sha256", bytes, "base64url")}`;
  const counted = (bytes: Buffer, counter: TokenCounter, count: () => number): number => {
    const key = keyOf(bytes, counter);
    const known = counts.get(key);
    if (known !== undefined) return known;
    const tokens = count();
    counts.set(key, tokens);
    return tokens;
  };
  const countLong = async (long: readonly LongItem[], counter: TokenCounter): Promise<void> => {
    for (const { bytes, read } of long) {
      const key = keyOf(bytes, counter);
      if (counts.has(key)) continue;
      await nextSlice();
      counts.set(key, await counter.countInSlices(read()));
    }
  };
  return {
    systemMessages: (messages, counter) =>
      mapInSlices(messages, {
        bytesOf: ({ bytes }) => bytes.length,
        map: ({ message, bytes }) =>
          toHistoryMessage(message, { bytes, tokens: counted(bytes, counter, () => counter.countMessage(message)) }),
      }),
    envelopeTokens(chat, counter) {
      let tokens = 0;
      forEachRendered(chat, (bytes, value) => {
        tokens += counted(bytes, counter, () => counter.countText(JSON.stringify(value)));
      });
      return tokens;
    },
    countAhead(system, chat, counter) {
      if (!isLong(chat.body.length)) return undefined;
      const long: LongItem[] = [];
      for (const { message, bytes } of system) if (isLong(bytes.length)) long.push({ bytes, read: () => message });
      forEachRendered(chat, (bytes, value) => {
        if (isLong(bytes.length)) long.push({ bytes, read: () => JSON.stringify(value) });
      });
      return long.length > 0 ? countLong(long, counter) : undefined;
    },
    clear: () => counts.clear(),
  };
}

interface LongItem {
  readonly bytes: Buffer;
  readonly read: () => string | ChatMessage;
}

function forEachRendered({ members, fields, body }: ChatRequest, use: (bytes: Buffer, value: unknown) => void): void {
  for (const field of renderedFields) {
    const span = members.get(field);
    if (span && fields[field] !== null) use(body.subarray(span.start, span.end), fields[field]);
  }
}
