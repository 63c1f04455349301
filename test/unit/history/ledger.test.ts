import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { Economics } from "../../../src/history/history-strategy.ts";
import { pays, summaryCost } from "../../../src/history/ledger.ts";
import { type Asked, createSession, economics, knobs, plainStep, sized } from "./history-session.ts";

const hot = (ledger: number) => ({ ledger, cold: false, economics });
const cold = (ledger: number) => ({ ledger, cold: true, economics });
const offer = { evictedTokens: 1_000, keptTokens: 2_000, summaryTokens: 0, makingCost: 0 };

describe("the ledger", () => {
  it("cuts when what was paid and what is due now reach the price of rewriting what stays", () => {
    expect(pays(offer, hot(1_699))).toBe(false);
    expect(pays(offer, hot(1_700))).toBe(true);
    expect(pays({ ...offer, makingCost: 500 }, hot(2_199))).toBe(false);
    expect(pays({ ...offer, summaryTokens: 100 }, hot(1_789))).toBe(false);
  });

  it("always cuts in a cold cache unless a summary has to be made for more than it saves", () => {
    expect(pays(offer, cold(0))).toBe(true);
    expect(pays({ ...offer, makingCost: 1_001 }, cold(0))).toBe(false);
    expect(pays({ ...offer, makingCost: 1_001 }, cold(1))).toBe(true);
    expect(pays({ ...offer, evictedTokens: 0 }, cold(1_000_000))).toBe(false);
  });

  it("counts the reading of turns only where the question is whether, not when", () => {
    const work = { summaryTokens: 100, previousTokens: 80, unreadTokens: 3_000 };
    expect(summaryCost(work, hot(0))).toBe(880);
    expect(summaryCost(work, cold(0))).toBe(3_880);
  });
});

/** Requests of equal turns until the first cut. */
function untilCut(options: Parameters<typeof createSession>[0], tokens: number): Asked[] {
  const session = createSession(options);
  const asked: Asked[] = [];
  for (let index = 0; index < 5_000; index += 1) {
    asked.push(session.ask(plainStep(index, tokens)));
    if (asked.at(-1)?.selection.cut) return asked;
  }
  return asked;
}

const evicted = ({ view, selection }: Asked): number =>
  view.turns
    .slice(view.epoch.firstTurn - view.firstLoadedTurn, selection.epoch.firstTurn - view.firstLoadedTurn)
    .flatMap(({ messages }) => messages)
    .reduce((sum, { tokens }) => sum + tokens, 0);

const prices = fc.record<Economics>({
  cachedRatio: fc.constantFrom(0.02, 0.1, 0.25, 0.5),
  writeRatio: fc.constantFrom(1, 1.25, 2),
  outputRatio: fc.constantFrom(4, 8),
  cacheTtlMs: fc.constant(300_000),
});

describe("the moment of the cut", () => {
  it("is where the closed form has its optimum, within one turn", () => {
    fc.assert(
      fc.property(prices, fc.integer({ min: 20, max: 400 }), fc.integer({ min: 3, max: 20 }), (ratios, half, keep) => {
        const turnTokens = 2 * half;
        const settings = { ...knobs, windowTurns: keep };
        const asked = untilCut({ strategy: "window", economics: ratios, knobs: settings }, turnTokens);
        const price = (ratios.writeRatio - ratios.cachedRatio) * keep * turnTokens;
        const optimum = Math.sqrt((2 * turnTokens * price) / ratios.cachedRatio);
        expect(Math.abs(evicted(asked.at(-1) as Asked) - optimum)).toBeLessThanOrEqual(turnTokens);
      }),
      { numRuns: 60 },
    );
  });

  it("comes later by what the summary costs", () => {
    const firedAt = (summaryMode: "off" | "extractive" | "model"): number => {
      const settings = { ...knobs, summaryMode, summaryTokens: 500 };
      const asked = untilCut({ strategy: "hybrid", knobs: settings }, 100);
      return evicted(asked.at(-1) as Asked);
    };
    const optimum = (kept: number, cost: number) => Math.sqrt((2 * 100 * (0.9 * kept + cost)) / 0.1);
    expect(Math.abs(firedAt("off") - optimum(500, 0))).toBeLessThanOrEqual(100);
    expect(Math.abs(firedAt("extractive") - optimum(1_000, 0))).toBeLessThanOrEqual(100);
    // The request that finds the price reached asks for the summary, the next one cuts where it ends.
    expect(Math.abs(firedAt("model") - optimum(1_000, 4_000))).toBeLessThanOrEqual(100);
  });

  it("does not wait for a front that stays cached, only for one too short to be", () => {
    const firedAt = (front: number): number =>
      evicted(untilCut({ strategy: "window", envelopeTokens: front }, 100).at(-1) as Asked);
    expect(firedAt(20_000)).toBe(firedAt(0));
    expect(firedAt(1_000)).toBeGreaterThan(firedAt(0));
  });

  it("is followed by growth: no cut comes on the heels of another while turns are small", () => {
    fc.assert(
      fc.property(
        prices,
        fc.constantFrom("window", "hybrid"),
        fc.integer({ min: 5, max: 50 }),
        (ratios, strategy, half) => {
          const session = createSession({ strategy, economics: ratios, knobs: { ...knobs, floorTokens: 2_000 } });
          const cuts = Array.from({ length: 600 }, (_, index) => session.ask(plainStep(index, 2 * half)).selection.cut);
          cuts.forEach((cut, index) => {
            if (cut !== undefined) expect(cuts[index + 1]).toBeUndefined();
          });
          expect(cuts.filter(Boolean).length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("falls back to a plain window where cached tokens are no cheaper", () => {
    const session = createSession({ strategy: "window", economics: { ...economics, cachedRatio: 1 } });
    const cuts = Array.from({ length: 20 }, (_, index) => session.ask(plainStep(index)).selection.cut);
    expect(cuts.slice(11)).toEqual(Array(9).fill("ledger"));
  });
});

describe("the bill", () => {
  /** Input tokens at the full price, with a cache that holds the longest common front of consecutive prompts. */
  function billOf(asked: readonly Asked[], { cachedRatio, writeRatio }: Economics): number {
    let bill = 0;
    let before: readonly string[] = [];
    for (const { sent } of asked) {
      const now = sent.map(({ bytes }) => bytes.toString());
      let shared = 0;
      while (shared < now.length && now[shared] === before[shared]) shared += 1;
      sent.forEach(({ tokens }, index) => (bill += tokens * (index < shared ? cachedRatio : writeRatio)));
      before = now;
    }
    return bill;
  }

  const play = (options: Parameters<typeof createSession>[0], count: number): Asked[] => {
    const session = createSession(options);
    return Array.from({ length: count }, (_, index) => session.ask(plainStep(index, 200)));
  };

  it("is within 5 % of the best fixed period for the prices, and below a sliding window and the full history", () => {
    for (const cachedRatio of [0.02, 0.1, 0.25]) {
      const ratios = { ...economics, cachedRatio };
      const options = { economics: ratios, system: [sized("system", 1_500)] };
      const ours = billOf(play({ ...options, strategy: "window" }, 400), ratios);
      const sliding = billOf(play({ ...options, strategy: "window", knobs: { ...knobs, exact: true } }, 400), ratios);
      const full = billOf(play({ ...options, strategy: "full" }, 400), ratios);
      expect(ours).toBeLessThan(sliding / 1.2);
      expect(ours).toBeLessThan(full / 2);
      const perTurn = 200;
      const fixed = Array.from({ length: 120 }, (_, index) => fixedPeriod(index + 1, perTurn, ratios));
      expect(ours).toBeLessThan(1.05 * Math.min(...fixed));
    }
  });

  /** The same session, cut down to ten turns every `period` turns. */
  function fixedPeriod(period: number, perTurn: number, { cachedRatio, writeRatio }: Economics): number {
    let bill = 0;
    let first = 0;
    for (let turn = 0; turn < 400; turn += 1) {
      const cut = turn - first >= 10 + period;
      if (cut) first = turn - 10;
      const history = (turn - first) * perTurn;
      const fresh = perTurn / 2;
      const unseen = turn > 0 ? perTurn / 2 : 0;
      const front = 1_500 * (turn === 0 ? writeRatio : cachedRatio);
      const seen = (history - unseen) * (cut ? writeRatio : cachedRatio);
      bill += front + seen + (unseen + fresh) * writeRatio;
    }
    return bill;
  }
});
