import { readFileSync } from "node:fs";

import { z } from "zod";

import type { HistoryMessage } from "../../src/history/history-strategy.ts";
import type { TokenCounter } from "../../src/tokens/token-counter.ts";
import type { Conversation, Exchange } from "../../src/turn/play-conversation.ts";
import { SYSTEM_TOKENS } from "./synthetic-sessions.ts";

/** LoCoMo's shape: two speakers, in sittings that lie days apart. */
const streams = z.array(
  z.object({ sessions: z.array(z.object({ turns: z.array(z.object({ by: z.number(), text: z.string() })) })) }),
);

const PAUSE_MS = 30_000;
const DAY_MS = 86_400_000;

/** The conversations of a file as requests: the first speaker asks, the other answers; each sitting finds the cache cold. */
export function recordedStreams(path: string, counter: TokenCounter): readonly Conversation[] {
  return streams.parse(JSON.parse(readFileSync(path, "utf8"))).map(({ sessions }) => ({
    system: [{ ...countedMessage(counter, "system", "You are a helpful assistant."), tokens: SYSTEM_TOKENS }],
    envelopeTokens: 0,
    exchanges: sessions.flatMap(({ turns }, sitting) => exchangesOf(turns, (sitting + 1) * DAY_MS, counter)),
  }));
}

type Line = z.infer<typeof streams>[number]["sessions"][number]["turns"][number];

function exchangesOf(lines: readonly Line[], startAt: number, counter: TokenCounter): Exchange[] {
  const exchanges: Exchange[] = [];
  let at = startAt;
  for (let index = 0; index < lines.length; index += 2) {
    const [question, answer] = lines.slice(index, index + 2);
    at += PAUSE_MS;
    exchanges.push({
      at,
      incoming: [countedMessage(counter, "user", question?.text ?? "")],
      answer: answer && countedMessage(counter, "assistant", answer.text),
    });
  }
  return exchanges;
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
