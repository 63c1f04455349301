import { describe, expect, it } from "vitest";

import { assembleFromJson } from "../../../src/protocol/assemble-answer.ts";

const plain = { keepReasoning: false };
const body = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const completion = (message: object, finishReason: string | null = "stop"): Buffer =>
  body({ id: "chatcmpl-1", model: "gpt-4o", choices: [{ index: 0, message, finish_reason: finishReason }] });
const messageOf = (message: object, options = plain): unknown =>
  assembleFromJson(completion(message), options)?.choices[0]?.message;

describe("an answer in one body", () => {
  it("is projected to what is legal as input", () => {
    const message = {
      role: "assistant",
      content: "Hi",
      refusal: null,
      annotations: [],
      audio: null,
      parsed: { a: 1 },
      reasoning_content: "hm",
      tool_calls: [],
    };
    expect(messageOf(message)).toEqual({ role: "assistant", content: "Hi" });
    expect(messageOf(message, { keepReasoning: true })).toEqual({
      role: "assistant",
      content: "Hi",
      reasoning_content: "hm",
    });
  });

  it("keeps tool calls with their content, refusals, the audio id and content parts", () => {
    const calls = [{ id: "call_a", type: "function", function: { name: "f", arguments: "{}" } }];
    expect(messageOf({ content: null, tool_calls: calls })).toEqual({
      role: "assistant",
      content: null,
      tool_calls: calls,
    });
    expect(messageOf({ content: "So:", tool_calls: calls })).toMatchObject({ content: "So:", tool_calls: calls });
    expect(messageOf({ content: null, refusal: "No." })).toEqual({ role: "assistant", content: null, refusal: "No." });
    expect(messageOf({ content: null, audio: { id: "audio_1", data: "AAAA" } })).toMatchObject({
      audio: { id: "audio_1" },
    });
    const parts = [
      { type: "text", text: "a" },
      { type: "image_url", image_url: { url: "data:" } },
    ];
    expect(messageOf({ content: parts })).toEqual({ role: "assistant", content: parts });
  });

  it("repairs arguments that came as an object, and a missing type", () => {
    const calls = [{ id: "call_a", function: { name: "f", arguments: { a: 1 } } }];
    expect(messageOf({ content: null, tool_calls: calls })).toMatchObject({
      tool_calls: [{ id: "call_a", type: "function", function: { name: "f", arguments: '{"a":1}' } }],
    });
  });

  it("is complete when every choice has a finish reason; an unfinished one loses its tool calls", () => {
    expect(assembleFromJson(completion({ content: "a" }), plain)?.complete).toBe(true);
    const calls = [{ id: "call_a", type: "function", function: { name: "f", arguments: "{" } }];
    const cut = assembleFromJson(completion({ content: "a", tool_calls: calls }, null), plain);
    expect(cut).toMatchObject({ complete: false, choices: [{ finishReason: null }] });
    expect(cut?.choices[0]?.message).toEqual({ role: "assistant", content: "a" });
  });

  it("normalises usage, missing details as 0", () => {
    const usage = { prompt_tokens: 9, completion_tokens: 2, prompt_tokens_details: null };
    expect(assembleFromJson(body({ choices: [], usage }), plain)?.usage).toMatchObject({
      promptTokens: 9,
      completionTokens: 2,
      cachedTokens: 0,
      cacheWriteTokens: 0,
    });
    const odd = { prompt_tokens: "9", completion_tokens: -2, prompt_tokens_details: { cached_tokens: null } };
    expect(assembleFromJson(body({ choices: [], usage: odd }), plain)?.usage).toMatchObject({
      promptTokens: 0,
      completionTokens: 0,
    });
  });

  it("tells what of the completion is text from what is reasoning", () => {
    const usage = { prompt_tokens: 9, completion_tokens: 50, completion_tokens_details: { reasoning_tokens: 40 } };
    expect(assembleFromJson(body({ choices: [], usage }), plain)?.usage).toMatchObject({
      completionTokens: 50,
      textTokens: 10,
    });
  });

  it.each(["", "<html>", '{"error":{}}', "[1]", "null", '{"choices":{}}', '{"choices": [{"mess'])(
    "%j is none",
    (text) => {
      expect(assembleFromJson(Buffer.from(text), plain)).toBeUndefined();
    },
  );

  it("without a usable choice has none and is not complete", () => {
    expect(assembleFromJson(body({ choices: [null, { index: 0 }] }), plain)).toMatchObject({
      choices: [],
      complete: false,
    });
    expect(assembleFromJson(body({ choices: [] }), plain)).toMatchObject({ choices: [], complete: false });
  });
});
