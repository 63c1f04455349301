import type { Awaitable } from "../kit/awaitable.ts";
import type { ChatMessage } from "../protocol/chat-message.ts";

/** Counts as the provider bills them, for one model's vocabulary. */
export interface TokenCounter {
  /** Names what the counts depend on; counts of different names must not be mixed up. */
  readonly vocabulary: string;
  /**
   * Tokens of a text; special tokens in it count as the ordinary text they are. Exact up to 64 KB whatever it says, and
   * for some 600 KB of prose or code; beyond a bounded amount of work the rest is extrapolated from samples.
   */
  countText(text: string): number;
  /** Tokens a message adds to a prompt, its 3 tokens of framing included (OpenAI cookbook). Bounded like `countText`. */
  countMessage(message: ChatMessage): number;
  /** The one or the other; where it is long with pauses, in which others have their turns. */
  countInSlices(what: string | ChatMessage): Awaitable<number>;
}

export interface TokenCounters {
  /** False until the vocabularies are loaded, and for ever if that failed: counts are estimates then. */
  readonly exact: boolean;
  /** Resolves when loading has ended, well or not; never rejects. */
  readonly ready: Promise<void>;
  /** A counter taken before the vocabularies are loaded becomes exact with them. */
  forModel(model: string): TokenCounter;
}
