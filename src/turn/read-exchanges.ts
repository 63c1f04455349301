import type { HistoryMessage } from "../history/history-strategy.ts";
import type { ChatRequest, RequestMessage } from "../protocol/chat-request.ts";
import type { TokenCounter } from "../tokens/token-counter.ts";
import { createCountCache } from "./count-cache.ts";
import type { Conversation, Exchange } from "./play-conversation.ts";
import { splitConversation, toHistoryMessage } from "./read-conversation.ts";

interface ReadingParts {
  readonly counter: TokenCounter;
  /** When a request with these new messages was made, given when the one before it was. */
  readonly askedAt: (fresh: readonly RequestMessage[], before: number | undefined) => number;
}

/**
 * The requests that led to a whole conversation: each assistant message is an answer to what stands before it, unless
 * nothing but assistant messages does, as with a greeting.
 */
export function readExchanges(chat: ChatRequest, { counter, askedAt }: ReadingParts): Conversation {
  const { system, rest } = splitConversation(chat.messages);
  const toMessage = ({ message, bytes }: RequestMessage): HistoryMessage =>
    toHistoryMessage(message, { bytes, tokens: counter.countMessage(message) });
  const exchanges: Exchange[] = [];
  let fresh: RequestMessage[] = [];
  const ask = (answer: RequestMessage | undefined): void => {
    const at = askedAt(fresh, exchanges.at(-1)?.at);
    exchanges.push({ at, incoming: fresh.map(toMessage), answer: answer && toMessage(answer) });
    fresh = [];
  };
  for (const message of rest) {
    if (message.message.role === "assistant" && asksSomething(fresh)) ask(message);
    else fresh.push(message);
  }
  if (asksSomething(fresh)) ask(undefined);
  const envelopeTokens = createCountCache().envelopeTokens(chat, counter);
  return { system: system.map(toMessage), envelopeTokens, exchanges };
}

const asksSomething = (messages: readonly RequestMessage[]): boolean =>
  messages.some(({ message }) => message.role !== "assistant");
