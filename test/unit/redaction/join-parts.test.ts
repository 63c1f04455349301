import { describe, expect, it } from "vitest";

import type { ChatMessage } from "../../../src/protocol/chat-message.ts";
import { redactMessage } from "./redaction-probe.ts";

const said = (...texts: string[]): ChatMessage => ({
  role: "user",
  content: texts.map((text) => ({ type: "text", text })),
});

async function partsOf(message: ChatMessage): Promise<unknown[]> {
  const { message: stored } = await redactMessage(message);
  const texts = Array.isArray(stored.content) ? stored.content.map((part: { text?: string }) => part.text) : [];
  return texts.map((text) => text?.replaceAll(/_[0-9a-f]{8}(?=\])/g, ""));
}

describe("a value that begins in one text part and ends in the next", () => {
  it.each([
    [
      ["my mail is jane.d", "oe@example.com, ok?"],
      ["my mail is [EMAIL]", ", ok?"],
    ],
    [
      ["card 4111 1111 ", "1111 1111 please"],
      ["card [CARD]", " please"],
    ],
    [
      ["ssn 123-45", "-6789"],
      ["ssn [SSN]", ""],
    ],
    [
      ["DE89 3704 0044", " 0532 0130 00!"],
      ["[IBAN]", "!"],
    ],
    [
      ["call +1 415-5", "55-0132 now"],
      ["call [PHONE]", " now"],
    ],
    [
      ["from 86.121", ".97.248"],
      ["from [IP]", ""],
    ],
    [
      [`key ghp_${"a1B2".repeat(4)}`, "a1B2".repeat(5)],
      ["key [SECRET]", ""],
    ],
  ])("%j", async (texts, stored) => {
    expect(await partsOf(said(...texts))).toEqual(stored);
  });

  it("is counted once, and named as the value in one piece is", async () => {
    const split = await redactMessage(said("write jane@exam", "ple.com"));
    const whole = await redactMessage(said("write jane@example.com"));
    expect(split.counts).toEqual({ EMAIL: 1 });
    expect(JSON.stringify(split.message)).toContain(/\[EMAIL_.*?\]/.exec(JSON.stringify(whole.message))?.[0]);
  });

  it("is not made of two that stand whole on either side", async () => {
    expect(await partsOf(said("mail jane@example.com", "Second part"))).toEqual(["mail [EMAIL]", "Second part"]);
    expect(await partsOf(said("4111111111111111", "5555555555554444"))).toEqual(["[CARD]", "[CARD]"]);
  });

  it("is not looked for across other parts, and what is harmless keeps its object", async () => {
    const image = { type: "image_url", image_url: { url: "https://example.org/x.png" } };
    const message: ChatMessage = {
      role: "user",
      content: [{ type: "text", text: "order 41111" }, image, { type: "text", text: "11111111111 is due" }],
    };
    expect((await redactMessage(message)).message).toBe(message);
    const plain = said("one part", "and another");
    expect((await redactMessage(plain)).message).toBe(plain);
  });
});
