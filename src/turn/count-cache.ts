import { hash } from "node:crypto";

import { LRUCache } from "lru-cache";

import type { HistoryMessage } from "../history/history-strategy.ts";
import type { ChatRequest, RequestMessage } from "../protocol/chat-request.ts";
import type { TokenCounter } from "../tokens/token-counter.ts";
import { toHistoryMessage } from "./read-conversation.ts";

/** Token counts of what comes with every request unchanged: system messages and tools. Keeps hashes, no text. */
export interface CountCache {
  systemMessage(message: RequestMessage, counter: TokenCounter): HistoryMessage;
  envelopeTokens(chat: ChatRequest, counter: TokenCounter): number;
  /** Nobody knows whose text a hash is of, so an erasure takes them all. */
  clear(): void;
}

const MAX_ENTRIES = 5_000;
/** Fields that the provider renders into the prompt beside the messages. */
const renderedFields = ["tools", "functions", "response_format"] as const;

export function createCountCache(): CountCache {
  const counts = new LRUCache<string, number>({ max: MAX_ENTRIES });
  const counted = (bytes: Buffer, counter: TokenCounter, count: () => number): number => {
    const key = `${counter.vocabulary}:${hash("sha256", bytes, "base64url")}`;
    const known = counts.get(key);
    if (known !== undefined) return known;
    const tokens = count();
    counts.set(key, tokens);
    return tokens;
  };
  return {
    systemMessage: ({ message, bytes }, counter) =>
      toHistoryMessage(message, { bytes, tokens: counted(bytes, counter, () => counter.countMessage(message)) }),
    envelopeTokens({ members, fields, body }, counter) {
      let tokens = 0;
      for (const field of renderedFields) {
        const span = members.get(field);
        if (!span || fields[field] === null) continue;
        const bytes = body.subarray(span.start, span.end);
        tokens += counted(bytes, counter, () => counter.countText(JSON.stringify(fields[field])));
      }
      return tokens;
    },
    clear: () => counts.clear(),
  };
}
