import { describe, expect, it } from "vitest";

import { parseChatRequest } from "../../../src/protocol/chat-request.ts";
import type { TokenCounter } from "../../../src/tokens/token-counter.ts";
import { createCountCache } from "../../../src/turn/count-cache.ts";

const lengthOf = (what: unknown): number => JSON.stringify(what).length;

/** Notes what is counted in one go. */
function lengthCounter(): TokenCounter & { readonly atOnce: number[] } {
  const atOnce: number[] = [];
  const count = (what: unknown): number => (atOnce.push(lengthOf(what)), lengthOf(what));
  return {
    atOnce,
    vocabulary: "lengths",
    countText: count,
    countMessage: count,
    countInSlices: (what) => Promise.resolve(lengthOf(what)),
  };
}

const requestOf = (instructions: string, tool: string) =>
  parseChatRequest(
    Buffer.from(
      JSON.stringify({
        model: "m",
        tools: [{ type: "function", function: { name: tool } }],
        messages: [{ role: "system", content: instructions }],
      }),
    ),
    { maxDepth: 64, maxKeys: 100, maxValues: 100 },
  );

describe("counting what comes with every request", () => {
  it("is done at once where it is short", () => {
    const chat = requestOf("Be kind.", "search");
    expect(createCountCache().countAhead(chat.messages, chat, lengthCounter())).toBeUndefined();
  });

  it("is done ahead and in slices where it is long, once", async () => {
    const cache = createCountCache();
    const counter = lengthCounter();
    const chat = requestOf("Be kind. ".repeat(10_000), "search".repeat(20_000));
    await cache.countAhead(chat.messages, chat, counter);
    const system = await cache.systemMessages(chat.messages, counter);
    expect(system.map(({ tokens }) => tokens)).toEqual(chat.messages.map(({ message }) => lengthOf(message)));
    expect(cache.envelopeTokens(chat, counter)).toBe(lengthOf(JSON.stringify(chat.fields["tools"])));
    expect(counter.atOnce).toEqual([]);
  });

  it("goes through many short messages with pauses", async () => {
    const { messages } = requestOf("Be kind.", "search");
    const many = Array.from({ length: 1_000 }, () => messages).flat();
    const counting = createCountCache().systemMessages(many, lengthCounter());
    expect(counting).toBeInstanceOf(Promise);
    expect(await counting).toHaveLength(1_000);
  });
});
