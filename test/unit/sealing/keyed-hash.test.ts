import { createHash, createSecretKey } from "node:crypto";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { createKeyedHash } from "../../../src/sealing/create-keyed-hash.ts";
import type { HashPurpose } from "../../../src/sealing/keyed-hash.ts";
import { hkdfBlock, randomKey } from "./sealing-fixtures.ts";

const purposes: readonly HashPurpose[] = [
  "tenant",
  "owner",
  "session",
  "fingerprint",
  "placeholder",
  "audit",
  "cache-key",
  "prompt-cache",
];

describe("a keyed hash", () => {
  const keyed = createKeyedHash(randomKey());

  it("is 43 base64url characters, the same every time", () => {
    fc.assert(
      fc.property(fc.constantFrom(...purposes), fc.array(fc.string({ unit: "binary" })), (purpose, parts) => {
        const value = keyed.hash(purpose, ...parts);
        expect(value).toMatch(/^[A-Za-z0-9_-]{43}$/);
        expect(keyed.hash(purpose, ...parts)).toBe(value);
      }),
    );
  });

  it("differs by purpose and by root secret", () => {
    const values = purposes.flatMap((purpose) => [
      keyed.hash(purpose, "a"),
      createKeyedHash(randomKey()).hash(purpose, "a"),
    ]);
    expect(new Set(values).size).toBe(values.length);
  });

  it.each([
    [
      ["a", "bc"],
      ["ab", "c"],
    ],
    [["a"], ["a", ""]],
    [[], [""]],
    [["1:a"], ["a"]],
    [["a1:b"], ["a", "b"]],
    [["\ud800"], ["\ud801"]],
    [["\ud800"], ["\ufffd"]],
    [["\ud83d", "\ude00"], ["\ud83d\ude00"]],
    [["\ud800"], ["00d8"]],
  ])("keeps %j and %j apart", (left, right) => {
    expect(keyed.hash("owner", ...left)).not.toBe(keyed.hash("owner", ...right));
  });

  it("keeps any two lists of parts apart, wherever their boundaries fall", () => {
    // An alphabet of what the encoding itself is made of finds collisions soonest.
    const unit = fc.constantFrom("0", "1", "2", ":", "x", "a", "é", "\ud800", "\udc00", "\ufffd");
    const parts = fc.array(fc.string({ unit, maxLength: 4 }), { maxLength: 4 });
    fc.assert(
      fc.property(parts, parts, (left, right) => {
        const same = JSON.stringify(left) === JSON.stringify(right);
        expect(keyed.hash("owner", ...left) === keyed.hash("owner", ...right)).toBe(same);
      }),
      { numRuns: 5_000 },
    );
    fc.assert(
      fc.property(fc.string({ unit, minLength: 1, maxLength: 12 }), fc.nat(), fc.nat(), (text, one, other) => {
        const [left, right] = [one % (text.length + 1), other % (text.length + 1)];
        const split = (at: number) => keyed.hash("owner", text.slice(0, at), text.slice(at));
        expect(split(left) === split(right)).toBe(left === right);
      }),
      { numRuns: 5_000 },
    );
  });

  it("is SHA-512/256 of an HKDF sub-key and length-prefixed parts, computed here by other means", () => {
    const root = Buffer.from(Array.from({ length: 32 }, (_, index) => index));
    const subKey = hkdfBlock(root, "stategate/keyed-hash/1/session").subarray(0, 32).toString("base64url");
    const expected = createHash("sha512-256").update(`${subKey}1:a3:béc`).digest("base64url");
    expect(createKeyedHash(createSecretKey(root)).hash("session", "a", "béc")).toBe(expected);
  });

  it("never changes: stored ids depend on it", () => {
    const frozen = createKeyedHash(createSecretKey(Buffer.alloc(32, 7)));
    expect(frozen.hash("session", "tenant", "user", "my-chat")).toBe("hVwjcYLa30kNma7t5WmoWXTjFRFvIJxlMul41qruDBQ");
  });
});
