import { describe, expect, it } from "vitest";

import type { Usage } from "../../../src/protocol/chat-message.ts";
import { billObserved } from "../../../src/turn/bill-observed.ts";
import type { TurnPlan } from "../../../src/turn/plan-turn.ts";
import { openedSession, turnRecord } from "./turn-fixtures.ts";

const price = { input: 2e-6, cachedInput: 5e-7, cacheWrite: 2.5e-6, output: 8e-6, contextWindow: 100_000 };
const promptCache = { ttlSeconds: 300, minimumTokens: 1_024, stepTokens: 128 };

/** A turn of a client that replays 6,000 tokens, of which 3,000 would have been sent: 2,048 of them as before. */
const planOf = (parts: Partial<TurnPlan> = {}): TurnPlan =>
  ({
    mode: "replay",
    strategy: "hybrid",
    session: openedSession([turnRecord("a")], {
      lastAskedAt: 9_000,
      billing: { model: "gpt-5", baselineTokens: 5_123, frontTokens: 50, billedRatio: 1 },
    }),
    sentTokens: 3_000,
    fullTokens: 6_000,
    originalTokens: 6_000,
    frontTokens: 50,
    keptTokens: 5_900,
    stable: { epoch: 1, tokens: 2_900 },
    repeatedTokens: 2_048,
    redactions: 0,
    ...parts,
  }) as TurnPlan;
const usageOf = (promptTokens: number, cachedTokens: number, cacheWriteTokens = 0): Usage => ({
  promptTokens,
  cachedTokens,
  cacheWriteTokens,
  completionTokens: 10,
  textTokens: 10,
});
const bill = (usage: Usage | undefined, plan = planOf(), more: object = {}) =>
  billObserved({ plan, model: "gpt-5", usage, price, promptCache, now: 10_000, ...more });
const cost = (tokens: number, cached: number): number => (tokens - cached) * price.input + cached * price.cachedInput;

describe("the bill of an observed turn", () => {
  it("saves nothing, and says beside that what it would have saved", () => {
    const { figures, savedUsd, observed } = bill(usageOf(6_000, 5_120));
    expect(figures).toMatchObject({ sentTokens: 6_000, baselineTokens: 6_000, cachedTokens: 5_120 });
    expect(figures.usd?.baseline).toBe(figures.usd?.sent);
    expect(savedUsd).toBe(0);
    expect(observed?.tokens).toBe(3_000);
    expect(observed?.usd).toBeCloseTo(cost(6_000, 5_120) - cost(3_000, 2_048), 12);
  });

  it("expects of the cache what the cache did for the real prompt", () => {
    const { observed, billing } = bill(usageOf(6_000, 2_560));
    expect(observed?.usd).toBeCloseTo(cost(6_000, 2_560) - cost(3_000, 1_024), 12);
    expect(billing.hitRate).toBeLessThan(1);
  });

  it("counts where the provider does not tell its bill", () => {
    const { figures, observed } = bill(undefined);
    expect(figures).toMatchObject({ sentTokens: 6_000, cachedTokens: 5_120 });
    expect(observed?.usd).toBeCloseTo(cost(6_000, 5_120) - cost(3_000, 2_048), 12);
  });

  it("finds nothing cached for either where the cache has forgotten", () => {
    const { observed } = bill(usageOf(6_000, 0), planOf(), { now: 9_000 + 300_001 });
    expect(observed?.usd).toBeCloseTo(cost(6_000, 0) - cost(3_000, 0), 12);
  });

  it("shows the loss of a cut in a warm cache", () => {
    const { observed } = bill(usageOf(6_000, 5_120), planOf({ sentTokens: 5_900, repeatedTokens: 50 }));
    expect(observed?.usd).toBeLessThan(0);
  });

  it("shows that memory costs a client that sends only what is new", () => {
    const delta = planOf({ mode: "delta", originalTokens: 100 });
    const { observed, billing } = bill(usageOf(100, 0), delta);
    expect(observed?.tokens).toBe(-2_900);
    expect(billing.baselineTokens).toBe(6_000);
  });

  it("scales counts as the provider bills them, and writes where it bills writes", () => {
    expect(bill(usageOf(6_600, 0)).observed?.tokens).toBe(3_300);
    const { observed } = bill(usageOf(6_000, 0, 6_000), planOf({ session: undefined, repeatedTokens: 0 }));
    expect(observed?.usd).toBeCloseTo(3_000 * price.cacheWrite, 12);
  });

  it("has no money for a model without a price", () => {
    expect(bill(usageOf(6_000, 0), planOf(), { price: undefined }).observed).toEqual({ tokens: 3_000, usd: undefined });
  });

  it("remembers the whole prompt as the next one's front, but for a note at its end", () => {
    expect(bill(usageOf(6_000, 0)).billing.stable).toEqual({ epoch: 1, tokens: 2_997 });
    expect(bill(usageOf(6_000, 0), planOf({ redactions: 1 })).billing.stable).toEqual({ epoch: 1, tokens: 2_900 });
  });
});
