import type { HistoryMessage } from "../../src/history/history-strategy.ts";
import type { Conversation, Exchange } from "../../src/turn/play-conversation.ts";
import { createRandom, lognormal } from "./random.ts";

export interface SessionShape {
  readonly sessions: number;
  readonly turns: number;
  readonly seed: number;
}

export const SYSTEM_TOKENS = 1_500;
export const USER_TOKENS = 100;
export const ANSWER_TOKENS = 300;
export const SIGMA = 0.8;
export const COLD_SHARE = 0.05;

const PAUSE_MS = 30_000;
const LONG_PAUSE_MS = 3_600_000;
const CHARACTERS_PER_TOKEN = 4;

/** How the texts below are counted: a token is four characters. */
export const countCharacters = (text: string): number => Math.ceil(text.length / CHARACTERS_PER_TOKEN);

/** Chats with lognormal turns, of which a few come after the cache's life. The same seed gives the same chats. */
export function syntheticSessions({ sessions, turns, seed }: SessionShape): readonly Conversation[] {
  return Array.from({ length: sessions }, (_, index) => session(createRandom(seed * 1_000 + index), turns));
}

function session(random: () => number, turns: number): Conversation {
  let at = 0;
  const exchanges = Array.from({ length: turns }, (): Exchange => {
    at += random() < COLD_SHARE ? LONG_PAUSE_MS : PAUSE_MS;
    return {
      at,
      incoming: [message(random, "user", lognormal(random, USER_TOKENS, SIGMA))],
      answer: message(random, "assistant", lognormal(random, ANSWER_TOKENS, SIGMA)),
    };
  });
  return { system: [message(random, "system", SYSTEM_TOKENS)], envelopeTokens: 0, exchanges };
}

/** Nobody reads these words, but an extract is made of them. */
function message(random: () => number, role: string, length: number): HistoryMessage {
  const tokens = Math.max(2, Math.round(length));
  const words: string[] = [];
  for (let characters = 0; characters < tokens * CHARACTERS_PER_TOKEN; characters += 8) {
    const word = Math.floor(random() * 36 ** 5).toString(36);
    words.push(words.length % 12 === 11 ? `${word}.` : word.padStart(7, "a"));
  }
  const content = words.join(" ").slice(0, tokens * CHARACTERS_PER_TOKEN);
  const bytes = Buffer.from(JSON.stringify({ role, content }));
  return { role, bytes, tokens, toolCallIds: [], toolCallId: undefined, redactions: 0 };
}
