import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type HistoryMessage, strategyNames, type Summary } from "../../../src/history/history-strategy.ts";
import { summaryReach } from "../../../src/history/summary-reach.ts";
import { inCiOrProving } from "../../support/prove.ts";
import {
  type Asked,
  createSession,
  economics,
  isCut,
  knobs,
  plainStep,
  playUntil,
  type Step,
  user,
} from "./history-session.ts";
import { conversations } from "./random-conversations.ts";

const model = { ...knobs, keepTurns: 3, summaryMode: "model" as const };
const contentOf = ({ bytes }: HistoryMessage): string => (JSON.parse(bytes.toString()) as { content: string }).content;
const notesIn = (asked: Asked): string | undefined => {
  const [first] = asked.selection.history;
  return first && contentOf(first).startsWith("<conversation_notes>") ? contentOf(first) : undefined;
};
const markersIn = (text: string): number[] => [...text.matchAll(/<(\d+)>/g)].map(([, turn]) => Number(turn));
const upTo = (end: number): number[] => Array.from({ length: end }, (_, index) => index);

describe("hybrid with a model's summaries", () => {
  it("asks for one when a cut is due, cuts at its end on the next request and shows it", () => {
    const session = createSession({ strategy: "hybrid", knobs: model });
    const asked = playUntil(session, isCut);
    const [asking, cutting] = asked.slice(-2) as [Asked, Asked];
    const wanted = asking.selection.wantsSummary;
    expect(asking.selection).toMatchObject({ cut: undefined, digest: undefined, wantsSummary: { fromTurn: 0 } });
    expect(cutting.selection).toMatchObject({ cut: "ledger", digest: undefined, wantsSummary: undefined });
    expect(cutting.selection.epoch).toEqual({ number: 1, firstTurn: wanted?.toTurn, ledger: 0, summaryFailed: false });
    expect(markersIn(notesIn(cutting) ?? "")).toEqual(upTo(wanted?.toTurn ?? 0));
  });

  it("lets every turn that is no longer sent reach the summary exactly once", () => {
    const session = createSession({ strategy: "hybrid", knobs: model });
    for (let index = 0; index < 400; index += 1) {
      const asked = session.ask({ ...plainStep(index), upkeep: index % 3 === 0 ? "late" : "done" });
      expect(asked.selection.digest).toBeUndefined();
      expect(markersIn(notesIn(asked) ?? "")).toEqual(upTo(asked.selection.epoch.firstTurn));
    }
    expect(session.epoch.number).toBeGreaterThan(3);
  });

  it("covers every turn that is not sent by one contiguous chain of summaries, however upkeep and client behave", () => {
    const settings = fc.record({
      keepTurns: fc.integer({ min: 1, max: 5 }),
      maxTokens: fc.constantFrom(400, 1_000, 1_000_000),
      exact: fc.boolean(),
      summaryMode: fc.constantFrom<"model" | "extractive">("model", "extractive"),
      summaryTokens: fc.constantFrom(40, 100),
    });
    fc.assert(
      fc.property(conversations({ orderly: false, maxLength: 60 }), settings, (steps, some) => {
        const session = createSession({ strategy: "hybrid", knobs: { ...knobs, ...some } });
        const made = new Map<number, Summary[]>();
        for (const step of steps) {
          const { view, selection } = session.ask(step);
          for (const summary of [...view.summaries, ...(selection.digest ? [selection.digest] : [])]) {
            made.set(summary.toTurn, [...(made.get(summary.toTurn) ?? []), summary]);
          }
          const { firstTurn } = selection.epoch;
          // Where turns are taken back, or a late result holds some, a summary stands for a few of those sent as well.
          const shown = selection.digest ?? earliest(view.summaries.filter(({ toTurn }) => toTurn >= firstTurn));
          expect(coverage(shown, made)).toEqual(upTo(shown?.toTurn ?? 0));
          if (firstTurn > 0) expect(shown?.toTurn).toBeGreaterThanOrEqual(firstTurn);
        }
      }),
      { numRuns: 400 },
    );
  });

  it("makes do with a digest after a summary failed, and builds the next summary on it", () => {
    const session = createSession({ strategy: "hybrid", knobs: model });
    const asked = playUntil(session, isCut, { upkeep: "failed" });
    const { selection } = asked.at(-1) as Asked;
    expect(selection.digest).toMatchObject({ fromTurn: 0, toTurn: selection.epoch.firstTurn, by: "extractive" });
    expect(notesIn(asked.at(-1) as Asked)).toMatch(/question \d+/);
    expect(selection.epoch.summaryFailed).toBe(false);
    const cutAt = selection.epoch.firstTurn;
    const next = playUntil(session, ({ selection: { wantsSummary } }) => wantsSummary !== undefined).at(-1);
    expect(next?.selection.wantsSummary?.fromTurn).toBe(cutAt);
  });

  it("does not wait for a model in a cold cache, but lets a small past be", () => {
    const play = (count: number, summaryTokens: number) => {
      const session = createSession({ strategy: "hybrid", knobs: { ...model, summaryTokens } });
      for (let index = 0; index < count; index += 1) session.ask(plainStep(index));
      return session.ask({ ...plainStep(count), idleMs: economics.cacheTtlMs + 1 }).selection;
    };
    // Reading costs what writing anew does: the summary itself (8 × 10) must be covered by what was carried.
    expect(play(10, 10)).toMatchObject({ cut: "cold", wantsSummary: undefined });
    expect(play(10, 10).digest?.toTurn).toBe(7);
    expect(play(10, 1_000)).toMatchObject({ cut: undefined, digest: undefined });
  });

  it("takes the summary at hand in a cold cache", () => {
    const session = createSession({ strategy: "hybrid", knobs: model });
    playUntil(session, () => session.summaries.length > 0);
    const end = session.summaries[0]?.toTurn;
    const { selection } = session.ask({ ...plainStep(99), idleMs: economics.cacheTtlMs + 1 });
    expect(selection).toMatchObject({ cut: "cold", digest: undefined, epoch: { firstTurn: end } });
  });

  it("does not cut into the kept turns for a summary that reaches too far", () => {
    const session = createSession({ strategy: "hybrid", knobs: model });
    playUntil(session, () => session.summaries.length > 0);
    const [ready] = session.summaries as [Summary];
    const keepTurns = session.turns.length - ready.toTurn + 4;
    const other = createSession({ strategy: "hybrid", knobs: { ...model, keepTurns }, summaries: [ready] });
    for (const [index] of session.turns.entries()) expect(other.ask(plainStep(index)).selection.cut).toBeUndefined();
  });
});

const earliest = (summaries: readonly Summary[]): Summary | undefined =>
  summaries.toSorted((left, right) => left.toTurn - right.toTurn)[0];

/** Turns that a summary stands for, through the ones it was built on. */
function coverage(summary: Summary | undefined, made: ReadonlyMap<number, Summary[]>): number[] {
  if (!summary) return [];
  const read = Array.from({ length: summary.toTurn - summary.fromTurn }, (_, offset) => summary.fromTurn + offset);
  return summary.fromTurn === 0 ? read : [...coverage(made.get(summary.fromTurn)?.[0], made), ...read];
}

describe("hybrid without a model", () => {
  it("never asks for summaries and always has one", () => {
    const session = createSession({ strategy: "hybrid", knobs });
    for (let index = 0; index < 120; index += 1) {
      const asked = session.ask(plainStep(index));
      expect(asked.selection.wantsSummary).toBeUndefined();
      expect(notesIn(asked) !== undefined).toBe(asked.selection.epoch.firstTurn > 0);
    }
    expect(session.epoch.number).toBeGreaterThan(1);
  });

  it("sends none at all when they are off", () => {
    const session = createSession({ strategy: "hybrid", knobs: { ...knobs, summaryMode: "off" } });
    const asked = Array.from({ length: 60 }, (_, index) => session.ask(plainStep(index)));
    expect(asked.map(notesIn).filter(Boolean)).toEqual([]);
    expect(asked.map(({ selection }) => selection.digest).filter(Boolean)).toEqual([]);
    expect(session.epoch.firstTurn).toBeGreaterThan(0);
  });

  it("keeps the floor of tokens even where that is more turns", () => {
    const session = createSession({ strategy: "hybrid", knobs: { ...knobs, floorTokens: 950 } });
    for (let index = 0; index < 200; index += 1) {
      const { view, selection } = session.ask(plainStep(index));
      if (selection.cut) expect(view.firstLoadedTurn + view.turns.length - selection.epoch.firstTurn).toBe(10);
    }
    expect(session.epoch.number).toBeGreaterThan(1);
  });
});

describe("sending exactly the counted turns", () => {
  const counts = (asked: Asked): number =>
    asked.view.firstLoadedTurn + asked.view.turns.length - asked.selection.epoch.firstTurn;

  it("holds for window and hybrid on every request, with a new epoch each time", () => {
    for (const [strategy, count] of [
      ["window", knobs.windowTurns],
      ["hybrid", knobs.keepTurns],
      ["summary", knobs.summaryKeepTurns],
    ] as const) {
      const session = createSession({ strategy, knobs: { ...knobs, exact: true } });
      const asked = Array.from({ length: 40 }, (_, index) => session.ask(plainStep(index)));
      asked.forEach((one, index) => expect(counts(one)).toBe(Math.min(index, count)));
      expect(asked.at(-1)?.selection).toMatchObject({ cut: "exact", epoch: { number: 39 - count, ledger: 0 } });
    }
  });

  it("has a model's summary ready for every turn that leaves", () => {
    const session = createSession({ strategy: "hybrid", knobs: { ...model, exact: true } });
    for (let index = 0; index < 20; index += 1) {
      const asked = session.ask(plainStep(index));
      expect(asked.selection.digest).toBeUndefined();
      expect(markersIn(notesIn(asked) ?? "")).toEqual(upTo(Math.max(0, index - model.keepTurns)));
    }
  });
});

describe("a change of strategy", () => {
  it("at any request leaves no turn untold: each is sent, summarised, or its summary asked for", () => {
    const switching = fc
      .tuple(conversations({ orderly: false }), fc.array(fc.constantFrom(...strategyNames), { minLength: 40 }))
      .map(([steps, names]) => steps.map((step, index): Step => ({ ...step, strategy: names[index] ?? "full" })));
    const settings = fc.record({
      windowTurns: fc.integer({ min: 1, max: 6 }),
      keepTurns: fc.integer({ min: 1, max: 5 }),
      summaryKeepTurns: fc.integer({ min: 1, max: 5 }),
      maxTokens: fc.constantFrom(400, 1_000, 1_000_000),
      exact: fc.boolean(),
      summaryMode: fc.constantFrom<"model" | "extractive">("model", "extractive"),
    });
    fc.assert(
      fc.property(switching, settings, (steps, some) => {
        const session = createSession({ strategy: "full", knobs: { ...knobs, ...some } });
        const made = new Map<number, Summary[]>();
        for (const step of steps) {
          const { view, selection } = session.ask(step);
          for (const summary of [...view.summaries, ...(selection.digest ? [selection.digest] : [])]) {
            made.set(summary.toTurn, [...(made.get(summary.toTurn) ?? []), summary]);
          }
          if (["full", "window", "semantic"].includes(step.strategy ?? "")) continue;
          const { firstTurn } = selection.epoch;
          const held = view.summaries.toSorted((left, right) => left.toTurn - right.toTurn);
          const shown = selection.digest ?? held.find(({ toTurn }) => toTurn >= firstTurn) ?? held.at(-1);
          const told = shown?.toTurn ?? 0;
          expect(coverage(shown, made)).toEqual(upTo(told));
          if (told >= firstTurn) continue;
          expect(some.summaryMode).toBe("model");
          expect(selection.wantsSummary).toMatchObject({ fromTurn: told });
          expect(selection.wantsSummary?.toTurn).toBeGreaterThanOrEqual(firstTurn);
        }
      }),
      { numRuns: inCiOrProving(400, 20_000) },
    );
  });

  const long: Step[] = Array.from({ length: 60 }, (_, index) => plainStep(index));

  it("to full sends everything again, in a new epoch", () => {
    const session = createSession({ strategy: "window" });
    for (const step of long) session.ask(step);
    const { number, firstTurn } = session.epoch;
    expect(firstTurn).toBeGreaterThan(0);
    const { selection } = session.ask({ ...plainStep(60), strategy: "full" });
    expect(selection.epoch).toMatchObject({ number: number + 1, firstTurn: 0 });
    expect(selection.cut).toBeUndefined();
    expect(selection.history).toHaveLength(120);
  });

  it("from hybrid to window takes back the turns that window promises", () => {
    const session = createSession({ strategy: "hybrid" });
    playUntil(session, isCut);
    const { selection, view } = session.ask({ ...plainStep(99), strategy: "window" });
    expect(view.firstLoadedTurn + view.turns.length - selection.epoch.firstTurn).toBe(10);
    expect(selection.history).toHaveLength(20);
  });

  it("to hybrid has the past that window forgot summarised, from its first turn", () => {
    const session = createSession({ strategy: "window", knobs: model });
    for (const step of long) session.ask(step);
    const asked = Array.from({ length: 8 }, (_, index) =>
      session.ask({ ...plainStep(60 + index), strategy: "hybrid" }),
    );
    const wanted = asked.find(({ selection }) => selection.wantsSummary)?.selection.wantsSummary;
    expect(wanted?.fromTurn).toBe(0);
    expect(markersIn(notesIn(asked.at(-1) as Asked) ?? "")).toEqual(upTo(session.epoch.firstTurn));
  });

  it("to hybrid asks for that summary before a cut would pay, and shows it as soon as it is there", () => {
    const never = { ...economics, cachedRatio: 0.000_1 };
    const session = createSession({ strategy: "window", knobs: model, economics: never });
    for (const step of long) session.ask(step);
    session.ask({ ...plainStep(60), idleMs: never.cacheTtlMs + 1 });
    const forgotten = session.epoch.firstTurn;
    const [asking, showing] = [61, 62].map((index) => session.ask({ ...plainStep(index), strategy: "hybrid" })) as [
      Asked,
      Asked,
    ];
    expect(asking.selection.wantsSummary).toEqual({ fromTurn: 0, toTurn: 58 });
    expect([forgotten, asking.selection.epoch.firstTurn, showing.selection.epoch.firstTurn]).toEqual([50, 50, 58]);
    expect(markersIn(notesIn(showing) ?? "")).toEqual(upTo(58));
  });

  it("from full to hybrid uses the summary that was there before", () => {
    const session = createSession({ strategy: "hybrid", knobs: model });
    playUntil(session, isCut);
    const before = session.epoch.firstTurn;
    session.ask({ ...plainStep(90), strategy: "full" });
    expect(session.epoch.firstTurn).toBe(0);
    for (let index = 0; index < 60 && session.epoch.firstTurn === 0; index += 1) session.ask(plainStep(91 + index));
    expect(session.epoch.firstTurn).toBe(before);
  });
});

describe("what one summary reads", () => {
  const said = (role: string, tokens: number) => [{ ...user("x"), role, tokens }];

  it("is bounded, and ends before a user's message where it can", () => {
    const exchange = [said("user", 9_000), said("tool", 2_000)];
    const turns = [...exchange, ...exchange, ...exchange, ...exchange];
    expect(summaryReach(turns.slice(0, 4))).toBe(4);
    expect(summaryReach(turns)).toBe(4);
    expect(summaryReach(turns.slice(1))).toBe(5);
    expect(summaryReach(turns.map(() => said("tool", 9_000)))).toBe(3);
  });

  it("is a turn at least", () => {
    expect(summaryReach([said("user", 90_000), said("user", 10)])).toBe(1);
    expect(summaryReach([])).toBe(0);
  });
});
