import fc from "fast-check";
import { expect, it } from "vitest";

import { prefixLengths } from "../../../src/kit/prefix-lengths.ts";

function counted(pattern: readonly string[], text: readonly string[], at: number): number {
  let length = 0;
  while (length < pattern.length && at + length < text.length && pattern[length] === text[at + length]) length += 1;
  return length;
}

it("prefixLengths counts at each position what of the pattern begins there", () => {
  const words = fc.array(fc.constantFrom("a", "b"), { maxLength: 12 });
  fc.assert(
    fc.property(words, words, (pattern, text) => {
      expect([...prefixLengths(pattern, text)]).toEqual(text.map((_, at) => counted(pattern, text, at)));
    }),
    { numRuns: 5_000 },
  );
});

it("prefixLengths gets through a hundred thousand times the same word", () => {
  const words = Array.from({ length: 100_000 }, () => "hi");
  expect(prefixLengths(words, words)[0]).toBe(100_000);
});
