import { beforeAll, describe, expect, it } from "vitest";

import type { ChatMessage } from "../../../src/protocol/chat-message.ts";
import { openTokenCounters } from "../../../src/tokens/open-token-counters.ts";
import type { TokenCounter } from "../../../src/tokens/token-counter.ts";
import { recordingLog, sharedDirectory } from "./vocabulary-fixture.ts";

describe("countMessage", () => {
  const directory = sharedDirectory();
  let counter: TokenCounter;
  beforeAll(async () => {
    const counters = openTokenCounters({ cacheDirectory: directory, log: recordingLog() });
    await counters.ready;
    counter = counters.forModel("gpt-4o");
  });
  const text = (value: string): number => counter.countText(value);

  it("is three tokens, the role and the content", () => {
    expect(counter.countMessage({ role: "user", content: "What is the answer?" })).toBe(
      3 + text("user") + text("What is the answer?"),
    );
    expect(counter.countMessage({ role: "assistant", content: null })).toBe(3 + text("assistant"));
    expect(counter.countMessage({ role: "assistant" })).toBe(3 + text("assistant"));
  });

  it("counts the example of OpenAI's cookbook as the API does", () => {
    const lines = [
      ["system", "You are a helpful, pattern-following assistant that translates corporate jargon into plain English."],
      ["system", "New synergies will help drive top-line growth.", "example_user"],
      ["system", "Things working well together will increase revenue.", "example_assistant"],
      [
        "system",
        "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
        "example_user",
      ],
      ["system", "Let's talk later when we're less busy about how to do better.", "example_assistant"],
      ["user", "This late pivot means we don't have time to boil the ocean for the client deliverable."],
    ] as const;
    const messages = lines.map(([role, content, name]) => ({ role, content, ...(name !== undefined && { name }) }));
    // The cookbook: 124 prompt tokens for gpt-4o, of which 3 prime the reply.
    expect(messages.reduce((sum, message) => sum + counter.countMessage(message), 0)).toBe(124 - 3);
  });

  it("joins text parts, so that a text and its parts count alike", () => {
    const parts = ["One sent", "ence in two parts."];
    const message = { role: "user", content: parts.map((part) => ({ type: "text", text: part })) };
    expect(counter.countMessage(message)).toBe(counter.countMessage({ role: "user", content: parts.join("") }));
  });

  it("adds the name and a token, the refusal, and tool calls as JSON", () => {
    const plain = counter.countMessage({ role: "assistant", content: "Hello" });
    const calls = [{ id: "call_1", type: "function", function: { name: "find", arguments: '{"query":"x"}' } }];
    const added = (fields: Partial<ChatMessage>): number =>
      counter.countMessage({ role: "assistant", content: "Hello", ...fields }) - plain;
    expect(added({ name: "alice" })).toBe(text("alice") + 1);
    expect(added({ refusal: "I cannot help with that." })).toBe(text("I cannot help with that."));
    expect(added({ tool_calls: calls })).toBe(text(JSON.stringify(calls)));
    expect(added({ refusal: null })).toBe(0);
  });

  it("counts a refusal part like text", () => {
    const content = [{ type: "refusal", refusal: "No, sorry." }];
    expect(counter.countMessage({ role: "assistant", content })).toBe(3 + text("assistant") + text("No, sorry."));
  });

  it.each([
    [{ url: "https://example.com/cat.png", detail: "low" }, 85],
    [{ url: "https://example.com/cat.png", detail: "high" }, 765],
    [{ url: "https://example.com/cat.png" }, 765],
    [null, 765],
  ])("counts an image %j as %i tokens, never as its base64", (image, tokens) => {
    const content = [{ type: "image_url", image_url: image }];
    expect(counter.countMessage({ role: "user", content })).toBe(3 + text("user") + tokens);
  });

  it("counts a second of spoken input as ten tokens", () => {
    const spoken = (format: string, bytes: number): number => {
      const content = [{ type: "input_audio", input_audio: { data: Buffer.alloc(bytes).toString("base64"), format } }];
      return counter.countMessage({ role: "user", content }) - 3 - text("user");
    };
    expect(spoken("wav", 48_000)).toBe(10);
    expect(spoken("mp3", 16_000 * 3)).toBe(30);
  });
});
