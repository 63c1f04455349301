import { describe, expect, it } from "vitest";

import { eachData, eventData, mayCarrySignal, readSignal, splitEvents } from "../../../src/protocol/sse-event.ts";

const bytes = (text: string): Buffer => Buffer.from(text);
const frame = (chunk: object): Buffer => bytes(`data: ${JSON.stringify(chunk)}\n\n`);

describe("the data of an event", () => {
  it.each([
    ["LF", "data: one\n\n", "one"],
    ["CRLF", "data: one\r\n\r\n", "one"],
    ["CR", "data: one\r\r", "one"],
    ["no space after the colon", "data:one\n\n", "one"],
    ["only the first space is framing", "data:  one\n\n", " one"],
    ["several lines", "data: one\ndata:two\r\ndata\r\n\r\n", "one\ntwo\n"],
    ["among other fields and comments", ": hello\nevent: delta\nid: 7\ndata: one\n\n", "one"],
    ["behind a byte order mark", "\uFEFFdata: one\n\n", "one"],
    ["empty", "data:\n\n", ""],
    ["multi-byte text", "data: 東京 😀\n\n", "東京 😀"],
  ])("%s", (_name, event, data) => {
    expect(eventData(bytes(event))).toBe(data);
  });

  it.each([": heartbeat\n\n", "\n", "event: ping\n\n", "database: no\n\n"])("%j has none", (event) => {
    expect(eventData(bytes(event))).toBeUndefined();
  });
});

describe("splitting into events", () => {
  it("keeps every byte, and what follows the last blank line as the last part", () => {
    const parts = splitEvents(bytes("data: a\r\n\r\n: c\n\ndata: b\r\rdata: unfinished\n"));
    expect(parts.map(String)).toEqual(["data: a\r\n\r\n", ": c\n\n", "data: b\r\r", "data: unfinished\n"]);
  });
});

describe("the data of many events", () => {
  it.each(["\n", "\r\n", "\r"])("is that of each, whatever stands around them and lines end in %j", (end) => {
    const lines = ["data: a", "", ": c", "", "", "data: b1", "data: b2", "", "id: 7", "data:  c", "", "data", ""];
    const given: string[] = [];
    eachData(bytes(`${lines.join(end)}${end}`), (data) => given.push(data));
    expect(given).toEqual(["a", "b1\nb2", " c", ""]);
  });
});

describe("signals", () => {
  const ordinary = { choices: [{ index: 0, delta: { content: "x" }, finish_reason: null }], usage: null };
  const nothing = { done: false, usageOnly: false };

  it("an ordinary frame carries none, whatever its text says", () => {
    const content = '{"usage": 1, "finish_reason":"stop"} "usage" \\"usage\\":';
    expect(readSignal(frame(ordinary))).toEqual(nothing);
    expect(
      readSignal(frame({ choices: [{ index: 0, delta: { content }, finish_reason: null }], usage: null })),
    ).toEqual(nothing);
  });

  it("is seen in any of several events", () => {
    const usage = frame({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } });
    expect(mayCarrySignal(Buffer.concat([frame(ordinary), usage, frame(ordinary)]))).toBe(true);
    expect(mayCarrySignal(Buffer.concat([frame(ordinary), bytes("data: [DONE]\n\n")]))).toBe(true);
    expect(mayCarrySignal(Buffer.concat([frame(ordinary), frame(ordinary)]))).toBe(false);
  });

  it("a usage chunk without choices stands apart from usage beside a choice", () => {
    const usage = { prompt_tokens: 1, completion_tokens: 1 };
    expect(readSignal(frame({ choices: [], usage })).usageOnly).toBe(true);
    const beside = `data: {"choices": [{"index": 0, "delta": {}, "finish_reason" : "stop"}], "usage" : {"prompt_tokens": 1}}`;
    expect(readSignal(bytes(`${beside}\n\n`))).toEqual(nothing);
  });

  it("Azure's first chunk without choices is not a usage chunk", () => {
    expect(readSignal(frame({ object: "", model: "", choices: [], prompt_filter_results: [] }))).toEqual(nothing);
  });

  it("[DONE] ends the stream, text that mentions it does not", () => {
    expect(readSignal(bytes("data: [DONE]\r\n\r\n")).done).toBe(true);
    expect(readSignal(bytes("data:[DONE]\n\n")).done).toBe(true);
    expect(readSignal(frame({ choices: [{ delta: { content: "data: [DONE]" } }] })).done).toBe(false);
  });
});
