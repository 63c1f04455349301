import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { createPriceList } from "../../../src/tokens/create-price-list.ts";

const shipped = createPriceList(
  JSON.parse(readFileSync(new URL("../../../config/prices.json", import.meta.url), "utf8")),
);
const perMillion = (model: string) => {
  const price = shipped.priceOf(model);
  const usd = (amount: number) => Number((amount * 1e6).toFixed(6));
  return price && [usd(price.input), usd(price.cachedInput), usd(price.cacheWrite), usd(price.output)];
};

describe("the shipped price list", () => {
  it.each([
    ["gpt-4o", [2.5, 1.25, 2.5, 10]],
    ["gpt-4o-mini", [0.15, 0.075, 0.15, 0.6]],
    ["gpt-4.1", [2, 0.5, 2, 8]],
    ["gpt-5", [1.25, 0.125, 1.25, 10]],
    ["gpt-5-mini", [0.25, 0.025, 0.25, 2]],
    ["gpt-5-nano", [0.05, 0.005, 0.05, 0.4]],
    ["gpt-5.6-terra", [2, 0.2, 2.5, 12]],
    ["o3", [2, 0.5, 2, 8]],
    ["claude-sonnet-4-5", [3, 0.3, 3.75, 15]],
    ["deepseek-v4-flash", [0.14, 0.0028, 0.14, 0.28]],
  ])("prices %s at %j per million: input, cached, written, output", (model, prices) => {
    expect(perMillion(model)).toEqual(prices);
  });

  it.each([
    ["gpt-4o-2024-08-06", "gpt-4o"],
    ["gpt-4o-mini-2024-07-18", "gpt-4o-mini"],
    ["gpt-4-0613", "gpt-4"],
    ["gpt-5-chat-latest", "gpt-5-chat"],
    ["gpt-5-mini-2025-08-07", "gpt-5-mini"],
    ["claude-sonnet-4-5-20250929", "claude-sonnet-4-5"],
    ["claude-sonnet-4-20250514", "claude-sonnet-4"],
    ["claude-haiku-4-5@20251001", "claude-haiku-4-5"],
  ])("prices the snapshot %s as %s", (snapshot, family) => {
    expect(shipped.priceOf(snapshot)).toBe(shipped.priceOf(family));
    expect(shipped.priceOf(snapshot)).toBeDefined();
  });

  it("lets a snapshot have a price of its own", () => {
    expect(perMillion("gpt-4o-2024-05-13")).toEqual([5, 5, 5, 15]);
  });

  it.each(["gpt-4o-audio-preview", "gpt-4o-maxi", "gpt-4o2024-08-06", "gpt", "", "toString", "my-azure-deployment"])(
    "has no price for %j",
    (model) => {
      expect(shipped.priceOf(model)).toBeUndefined();
    },
  );

  it("reads no price dearer than its input where the cache is read, nor cheaper where it is written", () => {
    const { models } = JSON.parse(readFileSync(new URL("../../../config/prices.json", import.meta.url), "utf8")) as {
      models: Record<string, unknown>;
    };
    for (const model of Object.keys(models)) {
      const price = shipped.priceOf(model);
      expect(price?.cachedInput).toBeLessThanOrEqual(price?.input ?? -1);
      expect(price?.cacheWrite).toBeGreaterThanOrEqual(price?.input ?? Infinity);
      expect(price?.contextWindow).toBeGreaterThan(8000);
    }
  });
});

describe("a wrong price document is refused with the path of the mistake", () => {
  const good = { input: 1, output: 2, contextWindow: 1000 };
  it.each([
    [undefined, "prices is not an object"],
    [{ models: [] }, "prices.models is not an object"],
    [{ models: { a: 3 } }, 'prices.models["a"] is not an object'],
    [{ models: { a: good, b: { ...good, output: "2" } } }, 'prices.models["b"].output is not'],
    [{ models: { a: { ...good, input: -1 } } }, 'prices.models["a"].input is not'],
    [{ models: { a: { ...good, contextWindow: undefined } } }, 'prices.models["a"].contextWindow is not'],
    [{ models: { a: { ...good, cached: 1 } } }, 'prices.models["a"].cached is not known'],
  ])("%j", (document, message) => {
    expect(() => createPriceList(document)).toThrow(TypeError);
    expect(() => createPriceList(document)).toThrow(message);
  });
});
