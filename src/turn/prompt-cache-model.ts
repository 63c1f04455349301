import { hash } from "node:crypto";

import type { HistoryMessage } from "../history/history-strategy.ts";
import { type Bytes, toBuffer } from "../kit/held-bytes.ts";
import { replayCachedTokens } from "../tokens/cost.ts";
import type { PromptCache } from "../tokens/price-list.ts";

export interface ModelledPrompt {
  /** Tokens in front of the messages: tools, response format. */
  readonly envelopeTokens: number;
  readonly messages: readonly HistoryMessage[];
  readonly at: number;
}

/** A provider's prompt cache as one conversation meets it. */
export interface PromptCacheModel {
  /** Tokens of the prompt that would be read from the cache; the prompt is in the cache afterwards. */
  cachedTokens(prompt: ModelledPrompt): number;
}

interface Place {
  readonly next: Map<string, Place>;
  seenAt: number;
}

/** The longest run of whole messages is cached with which an earlier prompt began that the cache still knows. */
export function createPromptCacheModel(promptCache: PromptCache): PromptCacheModel {
  const ttlMs = promptCache.ttlSeconds * 1000;
  const front: Place = { next: new Map(), seenAt: -Infinity };
  const keys = new WeakMap<Bytes, string>();
  const keyOf = (bytes: Bytes): string => {
    const known = keys.get(bytes) ?? hash("sha256", toBuffer(bytes), "base64url");
    keys.set(bytes, known);
    return known;
  };
  return {
    cachedTokens({ envelopeTokens, messages, at }) {
      let place = front;
      let tokens = envelopeTokens;
      let cached = 0;
      let unbroken = true;
      for (const message of messages) {
        const key = keyOf(message.bytes);
        const next: Place = place.next.get(key) ?? { next: new Map(), seenAt: -Infinity };
        place.next.set(key, next);
        tokens += message.tokens;
        unbroken &&= at - next.seenAt <= ttlMs;
        if (unbroken) cached = tokens;
        next.seenAt = at;
        place = next;
      }
      return replayCachedTokens(cached, promptCache);
    },
  };
}
