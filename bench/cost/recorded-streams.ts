import type { HistoryMessage } from "../../src/history/history-strategy.ts";
import type { TokenCounter } from "../../src/tokens/token-counter.ts";
import type { Conversation } from "../../src/turn/play-conversation.ts";
import { type Conversation as SaidConversation, exchangesOf, sittingStart } from "../recall/conversations.ts";
import { SYSTEM_TOKENS } from "./synthetic-sessions.ts";

const PAUSE_MS = 30_000;

/** A conversation as requests; each sitting finds the cache cold. */
export function recordedStream(
  said: SaidConversation,
  { counter, showNames }: { counter: TokenCounter; showNames: boolean },
): Conversation {
  return {
    system: [{ ...countedMessage(counter, "system", "You are a helpful assistant."), tokens: SYSTEM_TOKENS }],
    envelopeTokens: 0,
    exchanges: said.sessions.flatMap((sitting, place) =>
      exchangesOf(said, sitting, { showNames }).map(({ question, answer }, exchange) => ({
        at: sittingStart(said, place) + exchange * PAUSE_MS,
        incoming: [countedMessage(counter, "user", question)],
        answer: countedMessage(counter, "assistant", answer),
      })),
    ),
  };
}

export function countedMessage(counter: TokenCounter, role: string, content: string): HistoryMessage {
  return {
    role,
    bytes: Buffer.from(JSON.stringify({ role, content })),
    tokens: counter.countMessage({ role, content }),
    toolCallIds: [],
    toolCallId: undefined,
    redactions: 0,
  };
}
