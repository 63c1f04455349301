import { describe, expect, it } from "vitest";

import type { ChatMessage } from "../../../src/protocol/chat-message.ts";
import { createRedactor } from "../../../src/redaction/create-redactor.ts";
import { redactMessages } from "../../../src/turn/redact-turn.ts";
import { countLoopTurns } from "../../support/loop-turns.ts";

const redactor = createRedactor({ entities: ["EMAIL"], maxCharacters: 10_000_000 });
const lengthOf = (what: unknown): number => JSON.stringify(what).length;

/** In which turn of the event loop each part of the work is done. */
async function workOn(content: string) {
  const turns = countLoopTurns();
  const done: [string, number][] = [];
  const note = (what: string): void => void done.push([what, turns.now()]);
  const message: ChatMessage = { role: "user", content };
  const { messages } = await redactMessages(
    {
      redactor: { ...redactor, countPlaceholders: (text) => (note("placeholders"), redactor.countPlaceholders(text)) },
      name: (type) => `[${type}_00000000]`,
      counter: {
        vocabulary: "lengths",
        countText: lengthOf,
        countMessage: lengthOf,
        countInSlices: (what) => (note("tokens"), Promise.resolve(lengthOf(what))),
      },
      fingerprint: (what) => (note("fingerprint"), String(lengthOf(what))),
    },
    [{ message, bytes: Buffer.from(JSON.stringify(message)), fingerprint: "seen", tokens: 1 }],
  );
  turns.stop();
  return { messages, done };
}

describe("the stored form of a message", () => {
  it("is made step by step where it is long, and others have their turns in between", async () => {
    const { messages, done } = await workOn("jane@example.com ".repeat(10_000));
    const redacted = { role: "user", content: "[EMAIL_00000000] ".repeat(10_000) };
    expect(messages).toMatchObject([
      { tokens: lengthOf(redacted), redactions: 10_000, stored: `${lengthOf(redacted)}` },
    ]);
    expect(messages[0]?.bytes.toString()).toBe(JSON.stringify(redacted));
    expect(done.map(([what]) => what)).toEqual(["tokens", "fingerprint", "placeholders"]);
    expect(new Set(done.map(([, turn]) => turn)).size).toBe(3);
  });

  it("is made at once where it is short", async () => {
    const { messages, done } = await workOn("jane@example.com");
    expect(messages).toMatchObject([{ seen: "seen", redactions: 1 }]);
    expect(done.map(([, turn]) => turn)).toEqual([0, 0]);
  });
});
