import type { ChatMessage, Usage } from "./chat-message.ts";

/** One choice of an answer, projected to what is legal as input: role, content, non-null refusal, tool calls, audio id. */
export interface AnswerChoice {
  readonly index: number;
  readonly message: ChatMessage;
  /** `null` while the choice is unfinished. */
  readonly finishReason: string | null;
}

/** An answer as it is remembered, assembled from a JSON body or from the events of a stream. */
export interface ChatAnswer {
  readonly id: string | undefined;
  readonly model: string | undefined;
  /** Ordered by index. Unfinished choices carry no partial tool calls. Empty when nothing usable arrived. */
  readonly choices: readonly AnswerChoice[];
  /** True when every choice asked for has a finish reason: with or without `[DONE]`. */
  readonly complete: boolean;
  readonly usage: Usage | undefined;
}
