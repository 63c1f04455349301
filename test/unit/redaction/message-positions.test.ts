import { describe, expect, it } from "vitest";

import type { ChatMessage } from "../../../src/protocol/chat-message.ts";
import { redactMessage } from "./redaction-probe.ts";

const VALUES = {
  EMAIL: "jane.doe@example.com",
  PHONE: "+1 415-555-0132",
  SSN: "123-45-6789",
  CARD: "4111111111111111",
  IBAN: "DE89370400440532013000",
  IP: "86.121.97.248",
  SECRET: `ghp_${"a1B2".repeat(9)}`,
};

const user = (fields: object): ChatMessage => ({ role: "user", content: "x", ...fields });
const assistant = (fields: object): ChatMessage => ({ role: "assistant", content: null, ...fields });
const call = (fields: object): ChatMessage =>
  assistant({
    tool_calls: [{ id: "call_1", type: "function", function: { name: "find", arguments: "{}", ...fields } }],
  });

const POSITIONS: Record<string, (value: string) => ChatMessage> = {
  "content string": (value) => user({ content: `it is ${value}.` }),
  "text part": (value) => user({ content: [{ type: "text", text: value }] }),
  "second part": (value) =>
    user({
      content: [
        { type: "text", text: "x" },
        { type: "text", text: value },
      ],
    }),
  "refusal part": (value) => assistant({ content: [{ type: "refusal", refusal: value }] }),
  "file name": (value) => user({ content: [{ type: "file", file: { filename: value, file_data: "x" } }] }),
  "image address": (value) =>
    user({ content: [{ type: "image_url", image_url: { url: `https://example.org/?q=${value}` } }] }),
  name: (value) => user({ name: value }),
  refusal: (value) => assistant({ refusal: value }),
  "system content": (value) => ({ role: "system", content: value }),
  "tool-call argument": (value) => call({ arguments: JSON.stringify({ query: value }) }),
  "nested tool-call argument": (value) => call({ arguments: JSON.stringify({ a: [{ b: [value] }] }, null, 2) }),
  "key of an argument": (value) => call({ arguments: JSON.stringify({ [value]: 1 }) }),
  "argument that is JSON itself": (value) => call({ arguments: JSON.stringify({ body: JSON.stringify({ value }) }) }),
  "arguments that are no JSON": (value) => call({ arguments: `{"query": "${value}` }),
  "name of a called tool": (value) => call({ name: value }),
  "custom tool input": (value) =>
    assistant({ tool_calls: [{ id: "c", type: "custom", custom: { name: "n", input: value } }] }),
  "function_call arguments": (value) =>
    assistant({ function_call: { name: "f", arguments: JSON.stringify({ value }) } }),
  "tool result": (value) => ({ role: "tool", tool_call_id: "call_1", content: `found ${value}` }),
  "tool result in JSON": (value) => ({ role: "tool", tool_call_id: "call_1", content: JSON.stringify([{ value }]) }),
  "tool result part": (value) => ({ role: "tool", tool_call_id: "call_1", content: [{ type: "text", text: value }] }),
  reasoning: (value) => assistant({ reasoning: value }),
  reasoning_content: (value) => assistant({ reasoning_content: value }),
  "reasoning details": (value) => assistant({ reasoning_details: [{ type: "reasoning.text", text: value }] }),
  metadata: (value) => user({ metadata: { note: value } }),
  "key of metadata": (value) => user({ metadata: { [value]: "x" } }),
  "id in metadata": (value) => user({ metadata: { id: value, type: value, role: value } }),
  annotation: (value) =>
    assistant({ annotations: [{ type: "url_citation", url_citation: { title: value, url: "x" } }] }),
  "logprobs token": (value) =>
    assistant({ logprobs: { content: [{ token: value, logprob: -0.1, top_logprobs: [] }] } }),
  "audio transcript": (value) => assistant({ audio: { id: "audio_1", transcript: value } }),
  "alternative logprobs token": (value) =>
    assistant({ logprobs: { content: [{ token: "x", top_logprobs: [{ token: value, logprob: -3 }] }] } }),
  "logprobs of a refusal": (value) => assistant({ logprobs: { refusal: [{ token: value }] } }),
  "audio part": (value) => user({ content: [{ type: "input_audio", input_audio: { data: "x", transcript: value } }] }),
  "part of an unknown type": (value) => user({ content: [{ type: "vendor", deep: { deeper: [value] } }] }),
  "part that is a bare string": (value) => user({ content: [value] }),
  "thinking part": (value) => assistant({ content: [{ type: "thinking", thinking: value, signature: "x" }] }),
  "tool use part": (value) => assistant({ content: [{ type: "tool_use", id: "t", name: "f", input: { q: value } }] }),
  "tool result part of another vendor": (value) =>
    user({ content: [{ type: "tool_result", tool_use_id: "t", content: [{ type: "text", text: value }] }] }),
  "JSON in JSON in JSON": (value) =>
    call({ arguments: JSON.stringify({ a: JSON.stringify({ b: JSON.stringify({ value }) }) }) }),
  "developer content": (value) => ({ role: "developer", content: value }),
  "citation in an annotation": (value) =>
    assistant({ annotations: [{ type: "url_citation", url_citation: { url: `https://example.org/?q=${value}` } }] }),
  "legacy function result": (value) => ({ role: "function", name: "f", content: JSON.stringify({ value }) }),
  "key of a message": (value) => user({ [value]: true }),
  "key of a part": (value) => user({ content: [{ type: "text", text: "x", [value]: 1 }] }),
  "key of a call": (value) =>
    assistant({ tool_calls: [{ id: "c", type: "function", [value]: 1, function: { name: "f", arguments: "{}" } }] }),
  "key of a called function": (value) => call({ [value]: 1 }),
  "unknown field": (value) => user({ "x-vendor": { deep: { deeper: [value] } } }),
};

describe.each(Object.entries(POSITIONS))("%s", (_, place) => {
  it.each(Object.entries(VALUES))("holds no %s", async (type, value) => {
    const message = place(value);
    const stored = await redactMessage(message);
    expect(JSON.stringify(message)).toContain(value);
    expect(JSON.stringify(stored.message)).not.toContain(value);
    expect(JSON.stringify(stored.message)).toMatch(new RegExp(`${type}_[0-9a-f]{8}`));
    expect(stored.counts).toMatchObject({ [type]: expect.any(Number) as number });
  });
});

describe("what others point at", () => {
  it("role, ids and types stay, whatever they look like", async () => {
    const message = assistant({
      id: "4111111111111111",
      tool_calls: [{ id: "4111111111111111", type: "function", function: { name: "f", arguments: '{"to":"a@b.io"}' } }],
    });
    const { message: stored } = await redactMessage(message);
    expect(stored).toMatchObject({ role: "assistant", id: "4111111111111111" });
    expect(stored.tool_calls?.[0]).toMatchObject({ id: "4111111111111111", type: "function" });
    const result = await redactMessage({ role: "tool", tool_call_id: "4111111111111111", content: "ok" });
    expect(result.message.tool_call_id).toBe("4111111111111111");
  });

  it("a tool's name stays a legal name", async () => {
    const { message } = await redactMessage(call({ name: "lookup_123-45-6789" }));
    expect(message.tool_calls?.[0]?.function?.name).toMatch(/^lookup_SSN_[0-9a-f]{8}$/);
    expect((await redactMessage(message)).message).toBe(message);
  });
});

describe("JSON inside strings", () => {
  it("stays valid, and byte for byte as it was around a finding", async () => {
    const json = '{ "big": 12345678901234567890, "a": 1.50, "to": "jane\\u0040example.com", "to": "x\\n" }';
    const { message } = await redactMessage(call({ arguments: json }));
    const stored = message.tool_calls?.[0]?.function?.arguments ?? "";
    expect(stored).toMatch(
      /^\{ "big": 12345678901234567890, "a": 1\.50, "to": "\[EMAIL_[0-9a-f]{8}\]", "to": "x\\n" \}$/,
    );
  });

  it("a number that is a card becomes a string", async () => {
    const content = '{"card":4111111111111111,"next":[5555555555554444, 1]}';
    const { message } = await redactMessage({ role: "tool", tool_call_id: "c", content });
    expect(JSON.parse(String(message.content))).toEqual({
      card: expect.stringMatching(/^\[CARD_/) as string,
      next: [expect.stringMatching(/^\[CARD_/) as string, 1],
    });
  });

  it("a key names what its value is", async () => {
    const content = '{"mobile":"07700900123","order_id":"07700900123","phones":["467 3395"]}';
    const { message } = await redactMessage({ role: "tool", tool_call_id: "c", content });
    const stored = JSON.parse(String(message.content)) as Record<string, unknown>;
    expect(stored).toMatchObject({ mobile: expect.stringContaining("[PHONE_") as string, order_id: "07700900123" });
    const { message: walked } = await redactMessage(user({ metadata: { mobile: 447700900123, ticket: 447700900123 } }));
    expect(walked["metadata"]).toEqual({ mobile: expect.stringMatching(/^\[PHONE_/) as string, ticket: 447700900123 });
  });
});

describe("images and files", () => {
  it("are not read", async () => {
    const payload = `data:image/png;base64,${"iVBORw0KGgo4111111111111111/".repeat(4000)}`;
    const message = user({ content: [{ type: "image_url", image_url: { url: payload } }] });
    expect((await redactMessage(message)).message).toBe(message);
  });

  it("do not hide what stands beside them", async () => {
    const text = `![](data:image/png;base64,${"iVBORw0KGgo=".repeat(100)}) jane@example.com data:text/plain;base64,4111111111111111`;
    const { message } = await redactMessage(user({ content: text }));
    expect(String(message.content)).toMatch(/=\) \[EMAIL_[0-9a-f]{8}\] data:text\/plain;base64,\[CARD_[0-9a-f]{8}\]$/);
    expect(String(message.content)).toContain("iVBORw0KGgo=".repeat(100));
  });
});
