import type { ChatMessage } from "../protocol/chat-message.ts";

/** Counts as the provider bills them, for one model's vocabulary. */
export interface TokenCounter {
  /** Tokens of a text. Linear enough that no 1 MB input blocks the event loop for 50 ms. */
  countText(text: string): number;
  /** Tokens a message adds to a prompt, its 3 tokens of framing included (OpenAI cookbook). */
  countMessage(message: ChatMessage): number;
}

export interface TokenCounters {
  /** False until the vocabularies are loaded, and for ever if that failed: counts are estimates then. */
  readonly exact: boolean;
  forModel(model: string): TokenCounter;
}
