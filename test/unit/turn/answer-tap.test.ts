import { describe, expect, it } from "vitest";

import { createAnswerTap } from "../../../src/turn/answer-tap.ts";

const JSON_TYPE = "application/json";
const STREAM = "text/event-stream";
const MB = 1 << 20;

/** What is charged for an answer that comes in pieces of 64 KB. */
function charged(type: string, body: string, { status = 200, asked = 400 } = {}): number {
  const tap = createAnswerTap(asked);
  tap.onHead({ status, headers: { "content-type": type } });
  const bytes = Buffer.from(body);
  for (let at = 0; at < bytes.length; at += 65_536) tap.onData(bytes.subarray(at, at + 65_536));
  return tap.tokens();
}

const json = (answer: object): string => JSON.stringify(answer);
const events = (...all: object[]): string =>
  `${all.map((event) => `data: ${json(event)}\n\n`).join("")}data: [DONE]\n\n`;
const usage = { prompt_tokens: 30, completion_tokens: 12, total_tokens: 42 };
const completion = (text: string) => ({ object: "text_completion", choices: [{ index: 0, text }] });

describe("what an answer that passes through is charged", () => {
  it.each([
    ["a chat", JSON_TYPE, json({ choices: [{ message: { role: "assistant", content: "hi" } }], usage })],
    ["a streamed chat", STREAM, events({ choices: [{ index: 0, delta: { content: "hi" } }] }, { choices: [], usage })],
    ["a streamed completion", STREAM, events(completion("hi"), { choices: [], usage })],
    ["an image, in its own words", JSON_TYPE, json({ data: [], usage: { input_tokens: 30, output_tokens: 12 } })],
    [
      "a streamed response",
      STREAM,
      events({ type: "x", response: { usage: { input_tokens: 30, output_tokens: 12 } } }),
    ],
    ["embeddings of 8 MB", JSON_TYPE, json({ data: [{ embedding: "x".repeat(8 * MB) }], usage })],
    ["a chat of 8 MB", JSON_TYPE, json({ choices: [{ logprobs: "x".repeat(8 * MB) }], usage })],
  ])("is what it says it was billed: %s", (_, type, body) => expect(charged(type, body)).toBe(42));

  it.each([
    ["a streamed completion", STREAM, events(...Array.from({ length: 1_000 }, () => completion("word ")))],
    ["a completion", JSON_TYPE, json(completion("word ".repeat(1_000)))],
    ["a chat that its client broke off", JSON_TYPE, `{"choices":[{"message":{"content":"${"word ".repeat(1_000)}`],
    ["a chat of 8 MB", JSON_TYPE, json({ choices: [{ message: { content: "word ".repeat((8 * MB) / 5) } }] })],
  ])("is estimated where it does not say: %s", (_, type, body) => {
    expect(charged(type, body)).toBeGreaterThanOrEqual(1_000);
    expect(charged(type, body)).toBeLessThan(body.length);
  });

  it("counts the request, too", () => {
    const body = json(completion("hi"));
    expect(charged(JSON_TYPE, body, { asked: 4_000 })).toBeGreaterThanOrEqual(1_000);
  });

  it.each([
    ["a list of models", JSON_TYPE, json({ object: "list", data: [{ id: "gpt-5" }] }), 200],
    ["a failure", JSON_TYPE, json({ error: {}, usage }), 500],
    ["a sound", "audio/mpeg", "x".repeat(1_000), 200],
  ])("is nothing for %s", (_, type, body, status) => expect(charged(type, body, { status })).toBe(0));
});
