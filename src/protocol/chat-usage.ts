import type { Usage } from "./chat-message.ts";
import { isJsonObject } from "./json-object.ts";

const count = (value: unknown): number => (typeof value === "number" && value > 0 ? Math.floor(value) : 0);

/**
 * The `usage` of an answer or chunk, in the words of chats or of newer APIs; `undefined` when it is absent or null. What a
 * provider leaves out counts as 0.
 */
export function parseUsage(usage: unknown): Usage | undefined {
  if (!isJsonObject(usage)) return undefined;
  const details = fieldsOf(usage["prompt_tokens_details"] ?? usage["input_tokens_details"]);
  const completion = fieldsOf(usage["completion_tokens_details"] ?? usage["output_tokens_details"]);
  const completionTokens = count(usage["completion_tokens"] ?? usage["output_tokens"]);
  return {
    promptTokens: count(usage["prompt_tokens"] ?? usage["input_tokens"]),
    completionTokens,
    textTokens: Math.max(0, completionTokens - count(completion["reasoning_tokens"])),
    cachedTokens: count(details["cached_tokens"]),
    cacheWriteTokens: count(details["cache_write_tokens"]),
  };
}

const fieldsOf = (value: unknown): Record<string, unknown> => (isJsonObject(value) ? value : {});
