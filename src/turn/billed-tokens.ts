import type { Awaitable } from "../kit/awaitable.ts";
import type { ChatAnswer } from "../protocol/chat-answer.ts";
import type { Usage } from "../protocol/chat-message.ts";
import type { TokenCounter } from "../tokens/token-counter.ts";

export const totalTokens = ({ promptTokens, completionTokens }: Usage): number => promptTokens + completionTokens;

/** What a turn's answer was billed; counted where the provider does not say, as when a client left in the middle. */
export function answerTokens(answer: ChatAnswer, promptTokens: number, counter: TokenCounter): Awaitable<number> {
  return answer.usage ? totalTokens(answer.usage) : countAnswer(answer, promptTokens, counter);
}

async function countAnswer({ choices }: ChatAnswer, promptTokens: number, counter: TokenCounter): Promise<number> {
  let tokens = promptTokens;
  for (const { message } of choices) tokens += await counter.countInSlices(message);
  return tokens;
}

const BYTES_PER_TOKEN = 4;

/** Of text that nobody counted. */
export const estimateTokens = (bytes: number): number => Math.ceil(bytes / BYTES_PER_TOKEN);
