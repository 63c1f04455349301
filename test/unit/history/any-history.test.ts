/** What holds for any history, any budget and any strategy, changed at any request. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  type Economics,
  type HistoryKnobs,
  type StrategyName,
  strategyNames,
} from "../../../src/history/history-strategy.ts";
import { inCiOrProving } from "../../support/prove.ts";
import {
  type Asked,
  assistant,
  createSession,
  economics,
  isCut,
  knobs,
  plainStep,
  sized,
  type Step,
  tool,
} from "./history-session.ts";
import { breachOf } from "./legal-sequence.ts";
import { anyAging, conversations } from "./random-conversations.ts";

const anyStrategy = fc.constantFrom<StrategyName>(...strategyNames);
const anyBudget = fc.record<HistoryKnobs>({
  windowTurns: fc.integer({ min: 1, max: 12 }),
  windowTokens: fc.constantFrom(0, 0, 500),
  keepTurns: fc.integer({ min: 1, max: 8 }),
  summaryKeepTurns: fc.integer({ min: 1, max: 8 }),
  floorTokens: fc.constantFrom(0, 100, 1_000),
  maxTokens: fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.constant(1_000_000)),
  exact: fc.boolean(),
  summaryMode: fc.constantFrom("model", "extractive", "off"),
  summaryTokens: fc.constantFrom(20, 200),
  summaryRole: fc.constantFrom("user", "system"),
  aging: anyAging,
});
const anyPrices = fc.record<Economics>({
  cachedRatio: fc.constantFrom(0.02, 0.1, 0.25, 0.5, 1),
  writeRatio: fc.constantFrom(1, 1.25, 2),
  outputRatio: fc.constantFrom(4, 8),
  cacheTtlMs: fc.constant(300_000),
});
/** Clients that keep to the protocol or do not, change the strategy when they like, and take turns back. */
const anyHistory = fc
  .tuple(
    fc.boolean().chain((orderly) => conversations({ orderly })),
    fc.array(anyStrategy, { minLength: 40, maxLength: 40 }),
    fc.array(fc.constantFrom(0, 0, 0, 0, 1, 3, 20), { minLength: 40, maxLength: 40 }),
  )
  .map(([steps, names, rewinds]) =>
    steps.map((step, index): Step => ({
      ...step,
      strategy: names[index] ?? "full",
      rewind: rewinds[index] ?? 0,
    })),
  );

/** What the request is about must be in it: its own messages, and the calls that its results answer. */
function lossOf({ view, selection, sent }: Asked): string | undefined {
  const asks = view.incoming.findLast(({ role }) => role === "user");
  if (asks && !sent.includes(asks)) return "the last user message";
  const last = view.turns.at(-1)?.messages.at(-1);
  const answered = new Set(view.incoming.map(({ toolCallId }) => toolCallId));
  if (!last?.toolCallIds.some((id) => answered.has(id))) return undefined;
  if (!selection.history.includes(last)) return "the calls that are answered";
  const results = new Set(sent.slice(sent.indexOf(last)).map(({ toolCallId }) => toolCallId));
  return last.toolCallIds.every((id) => results.has(id)) ? undefined : "a result";
}

describe("any history, any budget, any strategy", () => {
  it("gives a legal sequence with the last user message in it and pending calls intact", () => {
    const numRuns = inCiOrProving(3_000, 100_000);
    let requests = 0;
    fc.assert(
      fc.property(anyHistory, anyBudget, anyPrices, (steps, settings, prices) => {
        const session = createSession({ strategy: "full", knobs: settings, economics: prices });
        for (const step of steps) {
          const asked = session.ask(step);
          requests += 1;
          expect(breachOf(asked.sent)).toBeUndefined();
          expect(lossOf(asked)).toBeUndefined();
        }
      }),
      { numRuns },
    );
    process.stdout.write(`any history: ${numRuns} conversations, ${requests} requests, 0 failures\n`);
  });

  it("keeps the front byte for byte within an epoch, also where turns are taken back", () => {
    const edited = fc
      .tuple(conversations({ orderly: true }), fc.array(fc.constantFrom(0, 0, 0, 1, 2), { minLength: 40 }))
      .map(([steps, rewinds]) => steps.map((step, index): Step => ({ ...step, rewind: rewinds[index] ?? 0 })));
    const uncapped = anyBudget.map((some): HistoryKnobs => ({ ...some, maxTokens: 1_000_000 }));
    fc.assert(
      fc.property(edited, anyStrategy, uncapped, (steps, strategy, settings) => {
        const session = createSession({ strategy, knobs: settings, system: [sized("system", 20)] });
        let before: Asked | undefined;
        for (const step of steps) {
          const asked = session.ask(step);
          // An edit that takes the results of a call away changes what stands behind the call.
          const parts = step.rewind && (asked.view.turns.at(-1)?.messages.at(-1)?.toolCallIds.length ?? 0) > 0;
          if (before?.selection.epoch.number === asked.selection.epoch.number && !parts) {
            const shared = step.rewind ? Math.min(before.front.length, asked.front.length) : before.front.length;
            expect(asked.front.subarray(0, shared).equals(before.front.subarray(0, shared))).toBe(true);
          }
          before = asked;
        }
      }),
      { numRuns: inCiOrProving(600, 20_000) },
    );
  });
});

describe("a context that is always hot", () => {
  /** Turns after which the rule must have fired: the ledger grows by the square of the turns. */
  const bound = (price: number, ratio: number, turnTokens: number): number =>
    Math.ceil(Math.sqrt((2 * price) / (ratio * turnTokens))) + 3;

  it("is cut in the end, whether or not a summary that was asked for ever comes", () => {
    fc.assert(
      fc.property(
        anyPrices,
        fc.constantFrom<StrategyName>("window", "summary", "hybrid"),
        fc.constantFrom<Step["upkeep"]>("done", "late", "failed", "lost"),
        fc.constantFrom<HistoryKnobs["summaryMode"]>("model", "extractive", "off"),
        fc.integer({ min: 10, max: 400 }),
        (prices, strategy, upkeep, summaryMode, half) => {
          const turnTokens = 2 * half;
          const session = createSession({ strategy, economics: prices, knobs: { ...knobs, summaryMode } });
          // Patience of ten prices, each with the most that can stand behind a cut and a first and a second summary.
          const price = 10 * (prices.writeRatio * (10 * turnTokens + 600) + 100 * prices.outputRatio + 100);
          const turns = 10 + bound(price, prices.cachedRatio, turnTokens);
          let since = 0;
          for (let index = 0; index < 3 * turns; index += 1) {
            const cut = isCut(session.ask({ ...plainStep(index, turnTokens), upkeep: upkeep ?? "done" }));
            since = cut ? 0 : since + 1;
            expect(since).toBeLessThanOrEqual(turns);
          }
          expect(session.epoch.number).toBeGreaterThan(0);
        },
      ),
      { numRuns: inCiOrProving(60, 1_000) },
    );
  });

  it("is never above the cap, however dear a cut is", () => {
    const never = { ...economics, cachedRatio: 0.000_001 };
    for (const strategy of strategyNames) {
      for (const summaryMode of ["model", "extractive", "off"] as const) {
        const session = createSession({
          strategy,
          economics: never,
          knobs: { ...knobs, summaryMode, maxTokens: 3_000 },
        });
        for (let index = 0; index < 200; index += 1) {
          const { sent } = session.ask({ ...plainStep(index), upkeep: "lost" });
          expect(sent.reduce((sum, { tokens }) => sum + tokens, 0)).toBeLessThanOrEqual(3_000);
        }
        expect(session.epoch.number).toBeGreaterThan(0);
      }
    }
  });

  it("keeps a call that is still open through any number of its turns", () => {
    const session = createSession({ strategy: "hybrid", knobs: { ...knobs, maxTokens: 600, keepTurns: 1 } });
    for (let index = 0; index < 50; index += 1) {
      const asked = session.ask({
        incoming: index === 0 ? [sized("user", 50)] : [tool(`${index - 1}`)],
        answer: assistant("go on", `${index}`),
      });
      expect(lossOf(asked)).toBeUndefined();
      expect(breachOf(asked.sent)).toBeUndefined();
    }
  });
});

describe("a plain window", () => {
  it("is what remains where the best moment to cut is less than a turn away", () => {
    fc.assert(
      fc.property(
        anyPrices,
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 10, max: 1_000 }),
        (prices, keep, half) => {
          const turnTokens = 2 * half;
          const price = (prices.writeRatio - prices.cachedRatio) * keep * turnTokens;
          fc.pre(Math.sqrt((2 * turnTokens * price) / prices.cachedRatio) < turnTokens);
          const settings = { ...knobs, windowTurns: keep };
          const ours = createSession({ strategy: "window", economics: prices, knobs: settings });
          const plain = createSession({ strategy: "window", economics: prices, knobs: { ...settings, exact: true } });
          for (let index = 0; index < 40; index += 1) {
            const step = plainStep(index, turnTokens);
            expect(ours.ask(step).sent).toEqual(plain.ask(step).sent);
          }
        },
      ),
      { numRuns: 30 },
    );
  });
});
