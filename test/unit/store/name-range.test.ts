import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { rangeOfNames } from "../../../src/store/name-range.ts";

/** Few different characters, of every length that UTF-8 has, so that prefixes and cursors meet. */
const name = fc.string({
  unit: fc.constantFrom("\0", "a", "b", "\u{7F}", "é", "\uFFFF", "🙂", "\u{10FFFF}"),
  maxLength: 4,
});

describe("a range of names", () => {
  it("holds exactly the names with the prefix that come after the cursor", () => {
    const property = fc.property(name, fc.option(name, { nil: undefined }), name, (prefix, after, candidate) => {
      const bytes = Buffer.from(candidate);
      const { from, to } = rangeOfNames(prefix, after);
      const isInRange = Buffer.compare(bytes, from) >= 0 && Buffer.compare(bytes, to) < 0;
      const isAfter = after === undefined || Buffer.compare(bytes, Buffer.from(after)) > 0;
      expect(isInRange).toBe(candidate.startsWith(prefix) && isAfter);
    });
    fc.assert(property, { numRuns: 2_000 });
  });
});
