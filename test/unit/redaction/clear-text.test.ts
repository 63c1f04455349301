import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { BUILT_IN_DETECTORS } from "../../../src/redaction/built-in-detectors.ts";
import { isClear } from "../../../src/redaction/clear-text.ts";
import { findFindings } from "../../../src/redaction/find-findings.ts";
import { builtInPlaceholders } from "../../../src/redaction/placeholder.ts";
import type { Finding } from "../../../src/redaction/redactor.ts";
import { messyText } from "./messy-text.ts";

const rules = { detectors: BUILT_IN_DETECTORS, placeholders: builtInPlaceholders, isAllowed: () => false };

function findingsIn(text: string): readonly Finding[] {
  const search = findFindings(text, rules);
  for (;;) {
    const step = search.next();
    if (step.done === true) return step.value;
  }
}

describe("a clear text", () => {
  it("is one in which nothing is found", () => {
    fc.assert(
      fc.property(messyText, (text) => {
        if (isClear(text, rules)) expect(findingsIn(text)).toEqual([]);
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    "",
    "Which of the two would you take in winter, and why? Answer in 2 sentences.",
    "It’s 20 % off – “really”, said Zoë, in the café on 5 May: see note [3].",
  ])("is most of what is said: %j", (text) => {
    expect(isClear(text, rules)).toBe(true);
  });

  it("is no longer than a step of work, before folding and after", () => {
    expect(isClear("a ".repeat(512), rules)).toBe(true);
    expect(isClear("a ".repeat(513), rules)).toBe(false);
    expect(isClear("\ufdfa".repeat(512), rules)).toBe(false);
  });
});
