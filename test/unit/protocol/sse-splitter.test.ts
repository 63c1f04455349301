import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { eachData } from "../../../src/protocol/sse-event.ts";
import { createSseSplitter } from "../../../src/protocol/sse-splitter.ts";

const lineEnd = fc.constantFrom("\n", "\r\n", "\r");
const text = fc.string({ unit: "grapheme", maxLength: 12 }).map((value) => value.replaceAll(/[\r\n]/g, ""));
const line = fc.oneof(
  text.map((value) => `data: ${value}`),
  text.map((value) => `data:${value}x`),
  text.map((value) => `: ${value}`),
  fc.constant("event: delta"),
  fc.constant(""),
);
const stream = fc
  .tuple(
    fc.constantFrom("", "\uFEFF"),
    fc.array(fc.tuple(line, lineEnd), { maxLength: 30 }),
    fc.constantFrom("", "data: cut"),
  )
  .map(([mark, lines, tail]) => Buffer.from(mark + lines.map((parts) => parts.join("")).join("") + tail));
const cuts = fc.oneof(fc.constant("every byte" as const), fc.array(fc.nat(400), { maxLength: 12 }));

function chop(bytes: Buffer, where: "every byte" | readonly number[]): Buffer[] {
  const inside = where === "every byte" ? Array.from(bytes.keys()) : where.filter((at) => at < bytes.length);
  const ends = [...new Set([...inside, bytes.length])].toSorted((one, other) => one - other);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

/** The event stream algorithm of the HTML standard, over decoded text: shares nothing with the code under test. */
function dispatched(bytes: Buffer): string[] {
  const lines = bytes
    .toString()
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\r|\n/);
  lines.pop();
  const events: string[] = [];
  let data: string[] = [];
  for (const each of lines) {
    if (each === "" && data.length > 0) events.push(data.join("\n"));
    if (each === "") data = [];
    if (each.startsWith("data:")) data.push(each.slice(5).replace(/^ /, ""));
  }
  return events;
}

function dataOf(batches: readonly Buffer[]): string[] {
  const given: string[] = [];
  for (const batch of batches) eachData(batch, (data) => given.push(data));
  return given;
}

describe("the event splitter", () => {
  it("under any chunking: no byte changes, and every event is released as soon as it is whole", () => {
    fc.assert(
      fc.property(stream, cuts, (bytes, where) => {
        const splitter = createSseSplitter();
        const released: Buffer[] = [];
        let received = 0;
        for (const chunk of chop(bytes, where)) {
          released.push(splitter.push(chunk) ?? Buffer.alloc(0));
          received += chunk.length;
          // A CR at the end may be half of a line end: the text so far is read as if it were whole.
          expect(dataOf(released)).toEqual(dispatched(bytes.subarray(0, received)));
        }
        expect(Buffer.concat([...released, splitter.rest()])).toEqual(bytes);
      }),
      { numRuns: 2_000 },
    );
  });

  it("hands on a chunk that ends with an event by reference", () => {
    const chunk = Buffer.from("data: a\n\ndata: b\n\n");
    expect(createSseSplitter().push(chunk)).toBe(chunk);
  });

  it("shares memory with the chunk up to the last blank line and holds the rest", () => {
    const splitter = createSseSplitter();
    const chunk = Buffer.from("data: a\n\ndata: b");
    const whole = splitter.push(chunk);
    expect(whole?.buffer).toBe(chunk.buffer);
    expect(String(whole)).toBe("data: a\n\n");
    expect(String(splitter.rest())).toBe("data: b");
    expect(String(splitter.push(Buffer.from("\n\n")))).toBe("data: b\n\n");
  });

  it("releases an event that ends in CR CR at once, and the late LF of a CRLF behind it", () => {
    const splitter = createSseSplitter();
    expect(String(splitter.push(Buffer.from("data: a\r\n\r")))).toBe("data: a\r\n\r");
    expect(String(splitter.push(Buffer.from("\n")))).toBe("\n");
    expect(splitter.push(Buffer.from("data: b\r\n"))).toBeUndefined();
  });

  it("refuses an event that never ends, however small its pieces are", () => {
    const splitter = createSseSplitter(5_000);
    const piece = Buffer.from("x");
    for (let sent = 0; sent < 5_000; sent++) expect(splitter.push(piece)).toBeUndefined();
    expect(() => splitter.push(piece)).toThrow(expect.objectContaining({ code: "upstream_cut" }));
  });

  it("bounds what is held, not what passes", () => {
    const splitter = createSseSplitter(100);
    const event = `data: ${"x".repeat(60)}\n\n`;
    expect(splitter.push(Buffer.from(event.repeat(20)))?.length).toBe(event.length * 20);
  });
});
