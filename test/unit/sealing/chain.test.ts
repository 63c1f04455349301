import { createHash, randomBytes } from "node:crypto";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { foldRecordChain } from "../../../src/sealing/chain.ts";
import { unreadable } from "./sealing-fixtures.ts";

interface Turn {
  readonly id: string;
  readonly sealed: Buffer;
}

const someTurn = (): Turn => ({ id: randomBytes(16).toString("hex"), sealed: randomBytes(80) });
const chainOf = (turns: readonly Turn[]): string =>
  turns.reduce((chain, { id, sealed }) => foldRecordChain(chain, id, sealed), "");

describe("the chain of records", () => {
  it("is 43 base64url characters and can be taken up anywhere", () => {
    const turns = Array.from({ length: 6 }, someTurn);
    const front = chainOf(turns.slice(0, 4));
    expect(front).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const whole = turns.slice(4).reduce((chain, { id, sealed }) => foldRecordChain(chain, id, sealed), front);
    expect(whole).toBe(chainOf(turns));
  });

  it("shows that turns were removed, doubled, reordered or put under each other's ids", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 12 }), fc.nat(), fc.nat(), (length, seed, otherSeed) => {
        const turns = Array.from({ length }, someTurn);
        const at = seed % length;
        const other = (at + 1 + (otherSeed % (length - 1))) % length;
        const [here, there] = [turns[at], turns[other]];
        if (!here || !there) throw new Error("unreachable");
        const changed = [
          turns.toSpliced(at, 1),
          turns.slice(0, at),
          turns.toSpliced(at, 0, here),
          turns.with(at, there).with(other, here),
          turns.with(at, { ...here, sealed: there.sealed }).with(other, { ...there, sealed: here.sealed }),
          turns.with(at, { ...here, id: there.id }),
          turns.with(at, { ...here, sealed: randomBytes(80) }),
          [...turns, someTurn()],
        ];
        for (const forgery of changed) expect(chainOf(forgery)).not.toBe(chainOf(turns));
      }),
      { numRuns: 300 },
    );
  });

  it("follows every bit of the tag", () => {
    const { id, sealed } = someTurn();
    const chains = Array.from({ length: 128 }, (_, bit) => {
      const changed = Buffer.from(sealed);
      changed[64 + (bit >> 3)] = (changed[64 + (bit >> 3)] ?? 0) ^ (1 << (bit & 7));
      return foldRecordChain("", id, changed);
    });
    expect(new Set([...chains, foldRecordChain("", id, sealed)]).size).toBe(129);
  });

  it("never changes: stored heads depend on it", () => {
    const sealed = Buffer.alloc(80, 9);
    const tag = sealed.subarray(64).toString("base64url");
    const expected = createHash("sha256").update(`4:past4:turn22:${tag}`).digest("base64url");
    expect(foldRecordChain("past", "turn", sealed)).toBe(expected);
  });

  it("refuses bytes that are too short to be a record", () => {
    for (const length of [0, 15, 16, 63]) unreadable(() => foldRecordChain("", "turn", Buffer.alloc(length)));
  });
});
