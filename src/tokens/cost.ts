import type { Usage } from "../protocol/chat-message.ts";
import type { ModelPrice, PromptCache } from "./price-list.ts";

/** A prompt as it is billed: of its tokens, `cached` were read from the prompt cache and `written` to it. */
export interface BilledInput {
  readonly tokens: number;
  readonly cached: number;
  /** 0 where the provider bills no writes. */
  readonly written: number;
}

type BilledCall = Pick<Usage, "promptTokens" | "cachedTokens" | "cacheWriteTokens" | "completionTokens">;

/** USD of a prompt. */
export function inputCost(price: ModelPrice, { tokens, cached, written }: BilledInput): number {
  return (tokens - cached - written) * price.input + cached * price.cachedInput + written * price.cacheWrite;
}

/** USD of a whole call: prompt and completion. */
export function callCost(price: ModelPrice, usage: BilledCall): number {
  const { promptTokens: tokens, cachedTokens: cached, cacheWriteTokens: written, completionTokens } = usage;
  return inputCost(price, { tokens, cached, written }) + completionTokens * price.output;
}

/** How much of a front of `sharedTokens`, already in the prompt cache, would be billed as cached. */
export function replayCachedTokens(sharedTokens: number, { minimumTokens, stepTokens }: PromptCache): number {
  const whole = Math.floor(sharedTokens / stepTokens) * stepTokens;
  return whole > 0 && whole >= minimumTokens ? whole : 0;
}
