import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { holdBytes, toBuffer } from "../../../src/kit/held-bytes.ts";

const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.string({ unit: "binary" }).map((text) => Buffer.from(text)),
  fc.constantFrom(4_095, 4_096, 4_097, 20_000).map((length) => Buffer.alloc(length, "äx")),
);

describe("bytes that are held", () => {
  it("are the bytes they were made of, valid UTF-8 or not, short or long", () => {
    fc.assert(
      fc.property(anyBytes, fc.nat(5), (bytes, at) => {
        const held = holdBytes(bytes);
        const target = Buffer.alloc(bytes.length + 10);
        expect(held.length).toBe(bytes.length);
        expect(held.copy(target, at)).toBe(bytes.length);
        expect(target.subarray(at, at + bytes.length)).toEqual(bytes);
        expect(toBuffer(held)).toEqual(bytes);
        expect(held.toString()).toBe(bytes.toString());
        expect(held.toString("latin1")).toBe(bytes.toString("latin1"));
        expect(held.includes("x")).toBe(bytes.includes("x"));
      }),
    );
  });

  it("are a text's UTF-8", () => {
    const texts = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("x".repeat(5_000), "ä".repeat(4_000)));
    fc.assert(
      fc.property(texts, (text) => {
        expect(toBuffer(holdBytes(text))).toEqual(Buffer.from(text));
      }),
    );
  });

  it("stay what they were when the memory they came from is used again", () => {
    for (const length of [100, 10_000]) {
      const source = Buffer.alloc(length, "a");
      const held = holdBytes(source);
      source.fill("b");
      expect(held.toString()).toBe("a".repeat(length));
    }
  });

  it("share no memory with others: a short message must not keep a pool, nor a long one another's body", () => {
    const length = 100;
    expect(holdBytes(Buffer.alloc(length))).not.toBeInstanceOf(Uint8Array);
    const long = toBuffer(holdBytes(Buffer.alloc(10_000).subarray(1_000)));
    expect(long.buffer.byteLength).toBe(long.length);
  });
});
