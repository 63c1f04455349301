import { describe, expect, it } from "vitest";

import type { Usage } from "../../../src/protocol/chat-message.ts";
import { billTurn } from "../../../src/turn/bill-turn.ts";
import { calibrate } from "../../../src/turn/cache-calibration.ts";
import type { TurnPlan } from "../../../src/turn/plan-turn.ts";
import { openedSession, turnRecord } from "./turn-fixtures.ts";

const price = { input: 2e-6, cachedInput: 5e-7, cacheWrite: 2.5e-6, output: 8e-6, contextWindow: 100_000 };
const promptCache = { ttlSeconds: 300, minimumTokens: 1_024, stepTokens: 128 };

type PlanParts = Pick<TurnPlan, "sentTokens" | "fullTokens"> & Partial<TurnPlan>;
/** Only what a bill reads. */
const planOf = (parts: PlanParts): TurnPlan =>
  ({
    mode: "delta",
    strategy: "hybrid",
    session: undefined,
    frontTokens: 50,
    keptTokens: 0,
    stable: { begins: "", tokens: 0 },
    repeatedTokens: 0,
    ...parts,
  }) as TurnPlan;
const usageOf = (promptTokens: number, more: Partial<Usage> = {}): Usage => ({
  promptTokens,
  completionTokens: 10,
  cachedTokens: 0,
  cacheWriteTokens: 0,
  textTokens: 10,
  ...more,
});
const bill = (plan: TurnPlan, usage: Usage | undefined, more: object = {}) =>
  billTurn({ plan, model: "gpt-5", usage, price, promptCache, now: 10_000, ...more });

/** A session whose last full replay was billed 5,000 tokens at 9 seconds. */
const sessionAt = (lastAskedAt: number, billing: object = {}) =>
  openedSession([turnRecord("a")], {
    lastAskedAt,
    billing: { model: "gpt-5", baselineTokens: 5_003, frontTokens: 50, billedRatio: 1, ...billing },
  });

describe("the bill of a turn", () => {
  it("is the provider's where it says; what was left out is scaled as it bills", () => {
    const { figures, billing } = bill(planOf({ sentTokens: 1_000, fullTokens: 4_000 }), usageOf(1_100));
    expect(figures).toMatchObject({ sentTokens: 1_100, baselineTokens: 1_100 + 3_300, completionTokens: 10 });
    expect(billing.billedRatio).toBeCloseTo(1.1);
  });

  it("is counted where the provider says nothing, by the ratio it billed before", () => {
    const session = sessionAt(9_000, { billedRatio: 1.5 });
    const { figures, billing } = bill(planOf({ sentTokens: 100, fullTokens: 200, session }), undefined);
    expect(figures).toMatchObject({ sentTokens: 150, baselineTokens: 300, completionTokens: 0 });
    expect(billing.billedRatio).toBe(1.5);
  });

  it("claims no loss where the provider says nothing of a prompt that is the full replay", () => {
    const session = sessionAt(9_000, { stable: { begins: "", tokens: 5_000 } });
    const plan = planOf({ sentTokens: 5_100, fullTokens: 5_100, repeatedTokens: 5_000, keptTokens: 4_950, session });
    const { figures, savedUsd } = bill(plan, undefined);
    expect(figures.baselineCachedTokens).toBeGreaterThan(4_000);
    expect(Math.abs(figures.cachedTokens - figures.baselineCachedTokens)).toBeLessThanOrEqual(128);
    expect(Math.abs(savedUsd)).toBeLessThan(0.001);
  });

  it("does not learn a ratio from a usage that speaks of something else", () => {
    const plan = planOf({ sentTokens: 100, fullTokens: 100 });
    expect(bill(plan, usageOf(10_000)).billing.billedRatio).toBe(3);
    expect(bill(plan, usageOf(1)).billing.billedRatio).toBe(0.3);
    expect(bill(plan, usageOf(0)).billing.billedRatio).toBe(1);
  });

  it("saves what a full replay would have cost more, cached as it would have been", () => {
    const plan = planOf({ sentTokens: 1_000, fullTokens: 6_000, session: sessionAt(9_000) });
    const { figures, savedUsd } = bill(plan, usageOf(1_000));
    const cached = Math.floor(5_000 / 128) * 128;
    expect(figures.baselineCachedTokens).toBe(cached);
    expect(savedUsd).toBeCloseTo((6_000 - cached) * price.input + cached * price.cachedInput - 1_000 * price.input, 12);
  });

  it("loses when what was left out would have been read from the cache", () => {
    const plan = planOf({ sentTokens: 4_900, fullTokens: 5_100, session: sessionAt(9_000) });
    expect(bill(plan, usageOf(4_900)).savedUsd).toBeLessThan(0);
  });

  it.each([
    ["the cache has forgotten it", { session: sessionAt(10_000 - 300_001) }],
    ["the session never asked", { session: openedSession([], { billing: undefined }) }],
    ["another model was asked", { session: sessionAt(9_000, { model: "gpt-4o" }) }],
    ["system messages or tools are others", { session: sessionAt(9_000, { frontTokens: 51 }) }],
    ["there was no turn before", { session: undefined }],
    ["it is too short", { session: sessionAt(9_000, { baselineTokens: 1_000 }) }],
  ])("knows no cached full replay when %s", (_, parts) => {
    expect(
      bill(planOf({ sentTokens: 1_000, fullTokens: 6_000, ...parts }), usageOf(1_000)).figures.baselineCachedTokens,
    ).toBe(0);
  });

  it("shares only what an edit left standing", () => {
    const plan = planOf({
      mode: "edited",
      sentTokens: 100,
      fullTokens: 6_000,
      keptTokens: 2_000,
      session: sessionAt(9_000),
    });
    expect(bill(plan, usageOf(100)).figures.baselineCachedTokens).toBe(Math.floor(2_050 / 128) * 128);
  });

  it("prices cache writes on both sides where the provider bills them", () => {
    const plan = planOf({ sentTokens: 1_000, fullTokens: 2_000 });
    const { figures } = bill(plan, usageOf(1_000, { cacheWriteTokens: 900 }));
    expect(figures.usd?.sent).toBeCloseTo(100 * price.input + 900 * price.cacheWrite, 12);
    expect(figures.usd?.baseline).toBeCloseTo(2_000 * price.cacheWrite, 12);
  });

  it("has no money for a model without a price, and no tokens below zero", () => {
    const { figures, savedUsd } = bill(planOf({ sentTokens: 900, fullTokens: 100 }), usageOf(500), {
      price: undefined,
    });
    expect([figures.usd, savedUsd]).toEqual([undefined, 0]);
    expect(figures.baselineTokens).toBeGreaterThanOrEqual(0);
  });
});

describe("what the bill teaches about the provider's cache", () => {
  const repeated = { sentTokens: 3_000, fullTokens: 6_000, repeatedTokens: 2_600 };
  /** 2,600 tokens in steps of 128. */
  const EXPECTED = 2_560;
  const after = (cachedTokens: number, billing: object = {}) =>
    bill(planOf({ ...repeated, session: sessionAt(9_000, billing) }), usageOf(3_000, { cachedTokens })).billing.hitRate;

  it("is the share of what should have been cached that was, a fifth at a time", () => {
    expect(after(EXPECTED)).toBe(1);
    expect(after(2_944)).toBe(1);
    expect(after(0)).toBeCloseTo(0.8);
    expect(after(EXPECTED / 2)).toBeCloseTo(0.9);
    expect(after(0, { hitRate: 0.5 })).toBeCloseTo(0.4);
    expect(after(EXPECTED, { hitRate: 0.5 })).toBeCloseTo(0.6);
  });

  it("is nothing where the answer has no usage", () => {
    const plan = planOf({ ...repeated, session: sessionAt(9_000, { hitRate: 0.5 }) });
    expect(bill(plan, undefined).billing.hitRate).toBe(0.5);
  });

  it.each([
    ["the prompt is too short to be cached", { repeatedTokens: 1_000 }, {}],
    ["the cache has forgotten it", {}, { lastAskedAt: 10_000 - 300_001 }],
  ])("is doubted a little where %s", (_, parts, head) => {
    const session = openedSession([turnRecord("a")], {
      lastAskedAt: 9_000,
      billing: { model: "gpt-5", baselineTokens: 5_003, frontTokens: 50, billedRatio: 1, hitRate: 0.5 },
      ...head,
    });
    expect(bill(planOf({ ...repeated, ...parts, session }), usageOf(3_000)).billing.hitRate).toBeCloseTo(0.51);
  });

  it("is forgotten with another model", () => {
    expect(after(0, { model: "gpt-4o", hitRate: 0.1 })).toBe(1);
  });

  it("holds for the full replay too: a cache that fails us would have failed it", () => {
    const plan = planOf({ ...repeated, session: sessionAt(9_000) });
    const cached = Math.floor(5_000 / 128) * 128;
    const baselineOf = (cachedTokens: number) =>
      bill(plan, usageOf(3_000, { cachedTokens })).figures.baselineCachedTokens;
    expect([baselineOf(EXPECTED), baselineOf(EXPECTED / 2), baselineOf(0)]).toEqual([cached, cached / 2, 0]);
    const unseen = planOf({ ...repeated, repeatedTokens: 0, session: sessionAt(9_000, { lastHit: 0.25 }) });
    expect(bill(unseen, usageOf(3_000)).figures.baselineCachedTokens).toBe(cached / 4);
  });

  it("makes a cached token as dear as it turns out to be", () => {
    const ratios = { cachedRatio: 0.1, writeRatio: 1.25, outputRatio: 8, cacheTtlMs: 1 };
    expect(calibrate(ratios, 1)).toEqual(ratios);
    expect(calibrate(ratios, 0).cachedRatio).toBe(1.25);
    expect(calibrate(ratios, 0.5).cachedRatio).toBeCloseTo(0.675);
  });
});
