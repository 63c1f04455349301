import { hash } from "node:crypto";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { ChatMessage, ToolCall } from "../../../src/protocol/chat-message.ts";
import type { KeyedHash } from "../../../src/sealing/keyed-hash.ts";
import { createFingerprinter, foldChain } from "../../../src/session/fingerprint.ts";

const asked: string[] = [];
const keyedHash: KeyedHash = {
  hash(purpose, ...parts) {
    asked.push(purpose);
    return hash("sha256", JSON.stringify([purpose, parts]), "base64url");
  },
};
const fingerprintOf = createFingerprinter(keyedHash);

const call = (id: string, input: string): ToolCall[] => [
  { id, type: "function", function: { name: "look_up", arguments: input } },
];
const user = (content: ChatMessage["content"]): ChatMessage => ({ role: "user", content: content ?? null });
const assistant = (message: Partial<ChatMessage>): ChatMessage => ({ role: "assistant", ...message });
const text = (...texts: string[]) => texts.map((part) => ({ type: "text", text: part }));
const image = (url: string, more: object = {}) => ({ type: "image_url", image_url: { url, ...more } });

const alike: Record<string, [ChatMessage, ChatMessage]> = {
  "a string and its text part": [user("hello"), user(text("hello"))],
  "one text and the parts it was cut into": [user("hello there"), user(text("hello ", "there"))],
  "edge white space": [user("hello\n"), user("  hello")],
  "CRLF and LF": [user("one\r\ntwo"), user("one\ntwo")],
  "developer and system": [
    { role: "developer", content: "be brief" },
    { role: "system", content: "be brief" },
  ],
  "null content and none beside tool calls": [
    assistant({ content: null, tool_calls: call("c1", "{}") }),
    assistant({ tool_calls: call("c1", "{}") }),
  ],
  "empty and null content beside tool calls": [
    assistant({ content: "", tool_calls: call("c1", "{}") }),
    assistant({ content: null, tool_calls: call("c1", "{}") }),
  ],
  "what openai-node adds to an answer": [
    assistant({ content: "hi" }),
    assistant({ content: "hi", refusal: null, parsed: null, annotations: [], audio: null, function_call: null }),
  ],
  "no tool calls and an empty list": [assistant({ content: "hi" }), assistant({ content: "hi", tool_calls: [] })],
  "tool arguments printed anew": [
    assistant({ tool_calls: call("c1", '{"b":[1,{"y":1,"x":2}],"a":"é"}') }),
    assistant({ tool_calls: call("c1", '{ "a": "\\u00e9", "b": [1.0, {"x": 2, "y": 1}] }') }),
  ],
  "no arguments and empty ones": [
    assistant({ tool_calls: call("c1", "") }),
    assistant({ tool_calls: call("c1", "{}") }),
  ],
  "a call with and without the index of its stream": [
    assistant({ tool_calls: call("c1", "{}").map((item) => ({ ...item, index: 0 })) }),
    assistant({ tool_calls: call("c1", "{}") }),
  ],
  "an answer with and without its thinking": [
    assistant({ content: "<think>two and two</think>\n\nFour." }),
    assistant({ content: "Four." }),
  ],
  "an answer with and without reasoning fields": [
    assistant({ content: "Four.", reasoning_content: "two and two", reasoning_details: [{ text: "2" }] }),
    assistant({ content: "Four." }),
  ],
  "an answer with and without reasoning parts": [
    assistant({ content: [{ type: "reasoning", text: "2+2" }, { type: "thinking", thinking: "2" }, ...text("Four.")] }),
    assistant({ content: "Four." }),
  ],
  "a refusal as field and as part": [
    assistant({ content: null, refusal: "No." }),
    assistant({ content: [{ type: "refusal", refusal: "No." }] }),
  ],
  "an image with and without detail": [
    user([...text("see"), image("https://x.test/a.png")]),
    user([...text("see"), image("https://x.test/a.png", { detail: "auto" })]),
  ],
  "a cache breakpoint that moved on": [
    user([{ type: "text", text: "hi", cache_control: { type: "ephemeral" } }]),
    user("hi"),
  ],
  "audio answered and audio referred to": [
    assistant({ audio: { id: "audio_1", data: "AAAA", transcript: "hi" } }),
    assistant({ audio: { id: "audio_1" } }),
  ],
  "a tool message with a framework's name": [
    { role: "tool", tool_call_id: "c1", content: "4" },
    { role: "tool", tool_call_id: "c1", content: "4", name: "look_up" },
  ],
};

const different: Record<string, [ChatMessage, ChatMessage]> = {
  roles: [user("hi"), assistant({ content: "hi" })],
  texts: [user("hi"), user("hi!")],
  "inner white space": [user("a b"), user("a  b")],
  "thinking that a user wrote": [user("<think>x</think>hi"), user("hi")],
  "call ids": [assistant({ tool_calls: call("c1", "{}") }), assistant({ tool_calls: call("c2", "{}") })],
  "tool arguments": [
    assistant({ tool_calls: call("c1", '{"a":1}') }),
    assistant({ tool_calls: call("c1", '{"a":"1"}') }),
  ],
  "the order of lists in arguments": [
    assistant({ tool_calls: call("c1", "[1,2]") }),
    assistant({ tool_calls: call("c1", "[2,1]") }),
  ],
  "broken arguments": [assistant({ tool_calls: call("c1", '{"a":') }), assistant({ tool_calls: call("c1", "{}") })],
  "answered calls": [
    { role: "tool", tool_call_id: "c1", content: "4" },
    { role: "tool", tool_call_id: "c2", content: "4" },
  ],
  images: [user([image("data:image/png;base64,AAAA")]), user([image("data:image/png;base64,AAAB")])],
  sounds: [
    user([{ type: "input_audio", input_audio: { data: "AAAA", format: "wav" } }]),
    user([{ type: "input_audio", input_audio: { data: "AAAB", format: "wav" } }]),
  ],
  files: [user([{ type: "file", file: { file_id: "file-1" } }]), user([{ type: "file", file: { file_id: "file-2" } }])],
  "parts of a kind not known here": [
    user([{ type: "place", at: { lat: 1 } }]),
    user([{ type: "place", at: { lat: 2 } }]),
  ],
  "an image and its address as text": [user([image("https://x.test/a.png")]), user("https://x.test/a.png")],
  "names of users": [{ ...user("hi"), name: "ada" }, user("hi")],
  "a refusal and the same text": [assistant({ refusal: "No." }), assistant({ content: "No." })],
  "content and call": [
    assistant({ content: '["function","c1","look_up","{}"]' }),
    assistant({ tool_calls: call("c1", "{}") }),
  ],
};

describe("createFingerprinter", () => {
  it.each(Object.entries(alike))("takes as one: %s", (_, [left, right]) => {
    expect(fingerprintOf(left)).toBe(fingerprintOf(right));
  });

  it.each(Object.entries(different))("tells apart: %s", (_, [left, right]) => {
    expect(fingerprintOf(left)).not.toBe(fingerprintOf(right));
  });

  it("gives 128 bits of a hash under the fingerprint key", () => {
    asked.length = 0;
    expect(fingerprintOf(user("hi"))).toMatch(/^[\w-]{22}$/);
    expect(asked).toEqual(["fingerprint"]);
  });

  it("compares arguments that are nested too deeply to print as text", () => {
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    const deeper = `[${deep}]`;
    const prints = [deep, deeper, deep].map((input) => fingerprintOf(assistant({ tool_calls: call("c1", input) })));
    expect(prints[0]).toBe(prints[2]);
    expect(prints[0]).not.toBe(prints[1]);
  });

  it("compares arguments of very many values as text", () => {
    const [wide, spaced] = [JSON.stringify(Array(20_000).fill(1)), JSON.stringify(Array(20_000).fill(1), null, 1)];
    const prints = [wide, spaced, wide].map((input) => fingerprintOf(assistant({ tool_calls: call("c1", input) })));
    expect(prints[0]).toBe(prints[2]);
    expect(prints[0]).not.toBe(prints[1]);
  });

  it("never throws, whatever a client calls a message", () => {
    const message = fc.record({
      role: fc.string(),
      content: fc.anything({ withNullPrototype: false }),
      tool_calls: fc.anything(),
      function_call: fc.anything(),
      audio: fc.anything(),
      name: fc.anything(),
      refusal: fc.anything(),
    });
    fc.assert(
      fc.property(message, (wild) => {
        const sent = JSON.parse(JSON.stringify(wild)) as ChatMessage;
        expect(fingerprintOf(sent)).toBe(fingerprintOf(sent));
      }),
    );
  });
});

describe("foldChain", () => {
  it("depends on every fingerprint and on their order", () => {
    const [a, b] = [fingerprintOf(user("a")), fingerprintOf(user("b"))];
    const fold = (...prints: string[]): string => prints.reduce(foldChain, "");
    expect(new Set([fold(), fold(a), fold(b), fold(a, b), fold(b, a), fold(a, a)]).size).toBe(6);
    expect(foldChain(fold(a), b)).toBe(fold(a, b));
  });
});
