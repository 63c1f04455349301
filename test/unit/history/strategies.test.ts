import { isDeepStrictEqual } from "node:util";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { HistoryKnobs, HistoryMessage, HistoryTurn, StrategyName } from "../../../src/history/history-strategy.ts";
import { strategyNames } from "../../../src/history/history-strategy.ts";
import { repair } from "../../../src/history/repair.ts";
import { strategyFor } from "../../../src/history/strategy-registry.ts";
import { type Asked, countText, createSession, economics, knobs, sized, type Step, user } from "./history-session.ts";
import { breachOf } from "./legal-sequence.ts";
import { anyAging, conversations } from "./random-conversations.ts";

const strategies = fc.constantFrom<StrategyName>(...strategyNames);
const anyKnobs = fc.record<HistoryKnobs>({
  windowTurns: fc.integer({ min: 1, max: 8 }),
  windowTokens: fc.constantFrom(0, 0, 300),
  keepTurns: fc.integer({ min: 1, max: 6 }),
  summaryKeepTurns: fc.integer({ min: 1, max: 6 }),
  floorTokens: fc.constantFrom(0, 300),
  maxTokens: fc.constantFrom(150, 600, 1_500, 1_000_000),
  exact: fc.boolean(),
  summaryMode: fc.constantFrom("model", "extractive", "off"),
  summaryTokens: fc.constantFrom(40, 200),
  summaryRole: fc.constantFrom("user", "system"),
  aging: anyAging,
});
const uncapped = anyKnobs.map((some): HistoryKnobs => ({ ...some, maxTokens: 1_000_000 }));

function play(steps: readonly Step[], options: Parameters<typeof createSession>[0]): Asked[] {
  const session = createSession(options);
  return steps.map((step) => session.ask(step));
}

/** OpenAI's cookbook counts three tokens that close every prompt. */
const CLOSING_TOKENS = 3;
const sum = (messages: readonly HistoryMessage[]): number => messages.reduce((tokens, one) => tokens + one.tokens, 0);
const promptTokens = ({ view, sent }: Asked): number => view.envelopeTokens + sum(sent);
const countOf = (strategy: StrategyName, { windowTurns, keepTurns, summaryKeepTurns }: HistoryKnobs): number =>
  ({ full: Infinity, window: windowTurns, summary: summaryKeepTurns, semantic: keepTurns, hybrid: keepTurns })[
    strategy
  ];

describe("every strategy", () => {
  it("sends a legal sequence, whatever the client did with its tools and whatever is cut", () => {
    fc.assert(
      fc.property(conversations({ orderly: false }), strategies, anyKnobs, (steps, strategy, settings) => {
        for (const { sent } of play(steps, { strategy, knobs: settings })) expect(breachOf(sent)).toBeUndefined();
      }),
      { numRuns: 600 },
    );
  });

  it("sends a legal sequence when it changes at any request", () => {
    const switching = fc
      .tuple(conversations({ orderly: false }), fc.array(strategies, { minLength: 40, maxLength: 40 }))
      .map(([steps, names]) => steps.map((step, index): Step => ({ ...step, strategy: names[index] ?? "full" })));
    fc.assert(
      fc.property(switching, anyKnobs, (steps, settings) => {
        play(steps, { strategy: "full", knobs: settings }).forEach(({ view, selection, sent }, index) => {
          expect(breachOf(sent)).toBeUndefined();
          const turnsBefore = index;
          expect(selection.epoch.firstTurn).toBeLessThanOrEqual(turnsBefore);
          const sameFront = selection.epoch.firstTurn === view.epoch.firstTurn;
          const sameForms = isDeepStrictEqual(selection.epoch.aged, view.epoch.aged);
          const goesOn = sameFront && sameForms && !selection.digest;
          expect(selection.epoch.number).toBe(view.epoch.number + (goesOn ? 0 : 1));
        });
      }),
      { numRuns: 300 },
    );
  });

  it("keeps the front of the prompt byte for byte within an epoch", () => {
    fc.assert(
      fc.property(conversations({ orderly: true }), strategies, uncapped, (steps, strategy, settings) => {
        const asked = play(steps, { strategy, knobs: settings, system: [sized("system", 20)] });
        asked.slice(1).forEach((later, index) => {
          const earlier = asked[index] as Asked;
          if (later.selection.epoch.number !== earlier.selection.epoch.number) return;
          expect(later.front.subarray(0, earlier.front.length).equals(earlier.front)).toBe(true);
        });
      }),
      { numRuns: 400 },
    );
  });

  it("exceeds the cap only where no legal cut could have avoided it", () => {
    fc.assert(
      fc.property(conversations({ orderly: false }), strategies, anyKnobs, (steps, strategy, settings) => {
        for (const asked of play(steps, { strategy, knobs: settings })) {
          if (promptTokens(asked) <= settings.maxTokens) continue;
          const { view, selection } = asked;
          const from = selection.epoch.firstTurn - view.firstLoadedTurn;
          const later = legalCuts(view.turns.slice(from), view.incoming).filter((cut) => cut > 0);
          for (const cut of later) {
            const history = view.turns.slice(from + cut).flatMap(({ messages }) => messages);
            const rest = repair({ history, incoming: view.incoming }, countText);
            expect(sum([...rest.history, ...rest.incoming])).toBeGreaterThan(settings.maxTokens - CLOSING_TOKENS);
          }
        }
      }),
      { numRuns: 600 },
    );
  });

  it("sends the promised turns verbatim unless the cap forbids it", () => {
    fc.assert(
      fc.property(conversations({ orderly: true }), strategies, uncapped, (steps, strategy, settings) => {
        for (const { view, selection } of play(steps, { strategy, knobs: settings })) {
          const kept = view.turns.slice(-Math.min(view.turns.length, countOf(strategy, settings)));
          const sent = new Set<HistoryMessage>(selection.history);
          const missing = kept.flatMap(({ messages }) => messages).filter((message) => !sent.has(message));
          expect(missing).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("gives the same selection for the same view", () => {
    fc.assert(
      fc.property(conversations({ orderly: false }), strategies, anyKnobs, (steps, strategy, settings) => {
        for (const { view, selection } of play(steps, { strategy, knobs: settings })) {
          expect(strategyFor(strategy).select(view)).toEqual(selection);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("hands on the very messages it was given when nothing is wrong with them", () => {
    const [first, second] = play(
      [
        { incoming: [user("hello")], answer: sized("assistant", 10) },
        { incoming: [user("again")], answer: sized("assistant", 10) },
      ],
      { strategy: "window" },
    ) as [Asked, Asked];
    expect(first.selection.incoming).toBe(first.view.incoming);
    expect(second.sent.map(({ bytes }) => bytes)).toEqual(
      [...(second.view.turns[0] as HistoryTurn).messages, ...second.view.incoming].map(({ bytes }) => bytes),
    );
    expect(second.selection.history[0]).toBe(second.view.turns[0]?.messages[0]);
  });

  it("refuses a view that lacks the turns it asked for", () => {
    const asked = createSession({ strategy: "window" }).ask({ incoming: [user("hi")] });
    const view = { ...asked.view, firstLoadedTurn: 5, epoch: { ...asked.view.epoch, firstTurn: 3 } };
    for (const name of strategyNames) expect(() => strategyFor(name).select(view)).toThrow(TypeError);
  });

  it("asks for the turns it promises, and full for all of them", () => {
    const needed = (name: StrategyName, firstTurn: number, count: number) =>
      strategyFor(name).firstTurnNeeded(
        { turns: count, epochFirstTurn: firstTurn, summarised: firstTurn, tokens: 0, epochTokens: 0 },
        knobs,
      );
    expect(needed("window", 50, 100)).toBe(50);
    expect(needed("window", 97, 100)).toBe(90);
    expect(needed("hybrid", 97, 100)).toBe(95);
    expect(needed("hybrid", 0, 2)).toBe(0);
    expect(needed("summary", 97, 100)).toBe(96);
    expect(needed("full", 50, 100)).toBe(0);
    const untold = { turns: 100, epochFirstTurn: 50, summarised: 20, tokens: 9_000, epochTokens: 4_000 };
    const neededBy = (name: StrategyName, summaryMode: HistoryKnobs["summaryMode"]) =>
      strategyFor(name).firstTurnNeeded(untold, { ...knobs, summaryMode });
    expect([neededBy("hybrid", "model"), neededBy("summary", "extractive")]).toEqual([20, 20]);
    expect([neededBy("hybrid", "off"), neededBy("window", "model")]).toEqual([50, 50]);
    const neededUnder = (maxTokens: number) => strategyFor("full").firstTurnNeeded(untold, { ...knobs, maxTokens });
    // Everything fits; what was cut does not, and little room is left; half of it is free.
    expect([neededUnder(9_000), neededUnder(8_000), neededUnder(8_001)]).toEqual([0, 50, 0]);
  });
});

/**
 * Boundaries at which no call is parted from a result that stays, and no trailing unanswered call is cut away; by brute
 * force. Results at the head of a stored turn go with their calls.
 */
function legalCuts(turns: readonly HistoryTurn[], incoming: readonly HistoryMessage[]): number[] {
  const said = turns.flatMap(({ messages }) => messages);
  const last = said.findLastIndex(({ role }) => role !== "tool");
  const open = (said[last]?.toolCallIds ?? []).filter(
    (id) => !said.slice(last).some(({ toolCallId }) => toolCallId === id),
  );
  return [...turns.keys(), turns.length].filter((cut) => {
    const before = turns.slice(0, cut).flatMap(({ messages }) => messages);
    const head = turns[cut]?.messages.findIndex(({ role }) => role !== "tool") ?? 0;
    const stored = turns.slice(cut).flatMap(({ messages }) => messages);
    const after = [...stored.slice(head < 0 ? turns[cut]?.messages.length : head), ...incoming];
    const cutsAwayOpen = open.length > 0 && before.includes(said[last] as HistoryMessage);
    const parted = after.some(
      ({ toolCallId }) =>
        toolCallId !== undefined && before.some(({ toolCallIds }) => toolCallIds.includes(toolCallId)),
    );
    return !cutsAwayOpen && !parted;
  });
}

describe("a cold cache", () => {
  it("is taken as the moment to cut, since the front is written anew anyway", () => {
    const steps = Array.from({ length: 14 }, (_, index): Step => ({
      incoming: [sized("user", 50, `q${index}`)],
      answer: sized("assistant", 50),
      idleMs: index === 13 ? economics.cacheTtlMs + 1 : economics.cacheTtlMs,
    }));
    const asked = play(steps, { strategy: "window", knobs });
    expect(asked.slice(0, 13).map(({ selection }) => selection.cut)).toEqual(Array(13).fill(undefined));
    expect(asked[13]?.selection).toMatchObject({ cut: "cold", epoch: { number: 1, firstTurn: 3, ledger: 0 } });
  });
});
