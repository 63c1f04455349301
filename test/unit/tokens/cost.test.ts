import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { callCost, inputCost, replayCachedTokens } from "../../../src/tokens/cost.ts";

const price = { input: 2e-6, cachedInput: 0.2e-6, cacheWrite: 2.5e-6, output: 12e-6, contextWindow: 128_000 };
const cache = { ttlSeconds: 300, minimumTokens: 1024, stepTokens: 128 };

describe("what a call costs", () => {
  it("bills cached, written and other tokens of the prompt at their own prices", () => {
    expect(inputCost(price, { tokens: 1000, cached: 0, written: 0 })).toBeCloseTo(0.002, 12);
    expect(inputCost(price, { tokens: 1000, cached: 600, written: 300 })).toBeCloseTo(0.00012 + 0.00075 + 0.0002, 12);
  });

  it("adds the completion", () => {
    const usage = { promptTokens: 1000, cachedTokens: 600, cacheWriteTokens: 300, completionTokens: 50 };
    expect(callCost(price, usage)).toBeCloseTo(0.00107 + 0.0006, 12);
  });
});

describe("what a replay would read from the prompt cache", () => {
  it.each([
    [0, 0],
    [1023, 0],
    [1024, 1024],
    [1151, 1024],
    [1152, 1152],
    [-3, 0],
  ])("of %i shared tokens: %i", (shared, cached) => {
    expect(replayCachedTokens(shared, cache)).toBe(cached);
  });

  it("is never more than what is shared, and always whole steps above the minimum", () => {
    fc.assert(
      fc.property(
        fc.integer({ max: 2_000_000 }),
        fc.integer({ min: 0, max: 5000 }),
        fc.integer({ min: 1, max: 512 }),
        (shared, minimumTokens, stepTokens) => {
          const cached = replayCachedTokens(shared, { ttlSeconds: 1, minimumTokens, stepTokens });
          expect(cached % stepTokens).toBe(0);
          expect(cached === 0 || (cached <= shared && cached >= minimumTokens && cached > shared - stepTokens)).toBe(
            true,
          );
        },
      ),
    );
  });
});
