import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { findAtoms } from "../../../src/history/atoms.ts";
import { type StrategyName, strategyNames } from "../../../src/history/history-strategy.ts";
import { strategyFor } from "../../../src/history/strategy-registry.ts";
import { Timeline } from "../../../src/history/timeline.ts";
import {
  type Asked,
  assistant,
  createSession,
  knobs,
  plainStep,
  sized,
  tool,
  turn,
  user,
  viewOf,
} from "./history-session.ts";
import { breachOf } from "./legal-sequence.ts";
import { conversations } from "./random-conversations.ts";

const chat = () => turn(sized("user", 50), sized("assistant", 50));
const promptOf = ({ sent }: Asked): number => sent.reduce((sum, { tokens }) => sum + tokens, 0);

describe("a window by tokens", () => {
  const turns = Array.from({ length: 60 }, chat);
  const cold = { lastAskedAt: undefined };
  const keptBy = (settings: Partial<typeof knobs>): number => {
    const view = viewOf({ turns, incoming: [user("next")], knobs: { ...knobs, windowTurns: 1, ...settings }, ...cold });
    return strategyFor("window")
      .select(view)
      .history.reduce((sum, { tokens }) => sum + tokens, 0);
  };

  it("keeps so many of the newest at least, and no turn more than that takes", () => {
    for (const windowTokens of [200, 500, 1_000, 3_000]) {
      const kept = keptBy({ windowTokens });
      expect(kept).toBeGreaterThanOrEqual(windowTokens);
      expect(kept).toBeLessThan(windowTokens + 2 * 110);
    }
  });

  it("counts turns alone where no tokens are given, and both where they are", () => {
    expect(keptBy({ windowTokens: 0 })).toBeLessThan(110);
    expect(keptBy({ windowTokens: 500, windowTurns: 20 })).toBe(keptBy({ windowTokens: 0, windowTurns: 20 }));
  });
});

describe("where a cut falls", () => {
  it("is found the same without pairing calls and results, where all stand in order", () => {
    const nobodysResult = turn(tool("of nobody"));
    fc.assert(
      fc.property(
        fc.boolean().chain((orderly) => conversations({ orderly })),
        (steps) => {
          const turns = steps
            .slice(0, -1)
            .map(({ incoming, answer }) => turn(...incoming, ...(answer ? [answer] : [])));
          const incoming = steps.at(-1)?.incoming ?? [];
          const paired = findAtoms([nobodysResult, ...turns], incoming);
          expect(findAtoms(turns, incoming).boundaries).toEqual(paired.boundaries.slice(1));
        },
      ),
      { numRuns: 300 },
    );
  });

  const agent = (index: number) => turn(tool(`${index - 1}`), assistant("go on", `${index}`));

  it("prefers a turn that a user begins, if that takes away half as much at least", () => {
    const handedOver = turn(assistant("by the way"), sized("user", 90));
    const near = new Timeline(viewOf({ turns: [chat(), chat(), chat(), handedOver, chat()] }), 0);
    expect([near.lastCut(0, 3), near.latestCut(0, 3)]).toEqual([3, 2]);
    const far = new Timeline(
      viewOf({ turns: [chat(), ...[1, 2, 3].map(() => turn(sized("assistant", 90))), chat()] }),
      0,
    );
    expect(far.latestCut(0, 3)).toBe(3);
  });

  const run = [
    turn(sized("user", 50), assistant("on it", "0")),
    ...Array.from({ length: 40 }, (_, offset) => agent(offset + 1)),
  ];

  it("takes a call and its results together in a run of tool calls, where each boundary has one across", () => {
    const view = viewOf({ turns: run, incoming: [tool("40")], knobs: { ...knobs, maxTokens: 500 } });
    for (const name of strategyNames) {
      const { history, incoming, epoch, digest } = strategyFor(name).select(view);
      const sent = [...history, ...incoming];
      expect(breachOf(sent)).toBeUndefined();
      expect(sent.reduce((sum, { tokens }) => sum + tokens, 0)).toBeLessThanOrEqual(500);
      expect(epoch.firstTurn).toBeGreaterThan(20);
      const [firstTurnSent] = history.filter(({ bytes }) => !bytes.includes("conversation_notes"));
      expect(firstTurnSent).toBe(run[epoch.firstTurn]?.messages[1]);
      if (name === "hybrid" || name === "summary") expect(digest?.text).toContain(`result of ${epoch.firstTurn - 1}`);
    }
  });

  it("does not count the results that go with a cut", () => {
    const big = [...run.slice(0, 30), turn(tool("29", "x".repeat(8_000)), assistant("ok", "30")), ...run.slice(31)];
    const view = viewOf({ turns: big, incoming: [tool("40")], knobs: { ...knobs, maxTokens: 1_000 } });
    const { epoch, cut } = strategyFor("full").select(view);
    expect([epoch.firstTurn, cut]).toEqual([30, "cap"]);
    expect(strategyFor("full").select({ ...view, epoch }).cut).toBeUndefined();
  });

  it("leaves the promised turns whole in such a run", () => {
    const view = viewOf({ turns: run, incoming: [tool("40")], knobs: { ...knobs, windowTurns: 4, exact: true } });
    const { history, epoch } = strategyFor("window").select(view);
    expect(epoch.firstTurn).toBe(36);
    expect(history).toEqual(
      run
        .slice(36)
        .flatMap(({ messages }) => messages)
        .slice(1),
    );
  });
});

describe("the hard cap", () => {
  const play = (strategy: StrategyName, maxTokens: number, count = 60) => {
    const session = createSession({ strategy, knobs: { ...knobs, maxTokens }, system: [sized("system", 40)] });
    return Array.from({ length: count }, (_, index) => session.ask(plainStep(index)));
  };

  it("holds for every strategy, with room to grow after each cut", () => {
    for (const strategy of strategyNames) {
      const asked = play(strategy, 1_800);
      for (const one of asked) expect(promptOf(one)).toBeLessThanOrEqual(1_800);
      const capped = asked.map(({ selection }) => selection.cut === "cap");
      if (strategy === "full") expect(capped.filter(Boolean).length).toBeGreaterThan(3);
      capped.forEach((cut, index) => cut && expect(capped[index + 1] ?? false).toBe(false));
    }
  });

  it("takes promised turns only when they do not fit, and then several at once", () => {
    const fits = play("window", 1_300).slice(20);
    for (const { view, selection } of fits) {
      expect(view.firstLoadedTurn + view.turns.length - selection.epoch.firstTurn).toBeGreaterThanOrEqual(10);
    }
    const cuts = play("window", 900)
      .slice(20)
      .filter(({ selection }) => selection.cut);
    expect(cuts.length).toBeGreaterThan(0);
    expect(cuts.length).toBeLessThan(30);
  });

  it("keeps full whole as long as it fits, then leaves three quarters of the cap", () => {
    const asked = play("full", 1_800);
    const first = asked.findIndex(({ selection }) => selection.cut);
    expect(promptOf(asked[first - 1] as Asked)).toBeGreaterThan(1_600);
    expect(promptOf(asked[first] as Asked)).toBeGreaterThan(1_200);
    expect(promptOf(asked[first] as Asked)).toBeLessThanOrEqual(1_350);
  });

  it("lets full take back what had been cut: all of it where it fits, else a good part, never too much", () => {
    const turns = Array.from({ length: 60 }, chat);
    const firstOf = (firstTurn: number, maxTokens: number) =>
      strategyFor("full").select(
        viewOf({
          turns,
          epoch: { number: 1, firstTurn, ledger: 0, summaryFailed: false },
          knobs: { ...knobs, maxTokens },
        }),
      ).epoch.firstTurn;
    expect(firstOf(20, 6_100)).toBe(0);
    expect(firstOf(20, 5_900)).toBe(20);
    expect(firstOf(50, 4_000)).toBe(31);
    const held = [turn(user("go"), assistant("on it", "late")), ...turns.slice(1)];
    const view = viewOf({
      turns: held,
      incoming: [tool("late")],
      epoch: { number: 1, firstTurn: 50, ledger: 0, summaryFailed: false },
      knobs: { ...knobs, maxTokens: 4_000 },
    });
    expect(strategyFor("full").select(view).epoch.firstTurn).toBe(50);
  });

  it("sends a request that is too large by itself, and nothing with it", () => {
    for (const strategy of strategyNames) {
      const session = createSession({ strategy, knobs: { ...knobs, maxTokens: 400 } });
      session.ask(plainStep(0));
      const { selection } = session.ask({ incoming: [sized("user", 500)] });
      expect(selection.history).toEqual([]);
      expect(selection.incoming).toHaveLength(1);
    }
  });

  it("never cuts away the call that the request answers", () => {
    for (const strategy of strategyNames) {
      const session = createSession({ strategy, knobs: { ...knobs, maxTokens: 400 } });
      session.ask(plainStep(0));
      session.ask({ incoming: [sized("user", 300)], answer: assistant("let me see", "1") });
      const { selection } = session.ask({ incoming: [tool("1", "x".repeat(2_000))] });
      expect(selection.history.map(({ role }) => role)).toEqual(["user", "assistant"]);
      expect(selection.incoming).toHaveLength(1);
    }
  });

  it("nor where a rewind made it the last one, behind which an epoch had begun", () => {
    const asks = turn(user("go"), assistant("let me see", "1"));
    for (const strategy of strategyNames) {
      const { history, incoming } = strategyFor(strategy).select(
        viewOf({
          turns: [asks],
          incoming: [tool("1")],
          epoch: { number: 1, firstTurn: 1, ledger: 0, summaryFailed: false },
          knobs: { ...knobs, maxTokens: 1 },
        }),
      );
      expect(history).toContain(asks.messages[1]);
      expect(incoming).toHaveLength(1);
    }
  });

  it("leaves room for the note on withheld values", () => {
    const withheld = { ...sized("user", 100), redactions: 1 };
    const turns = [turn(sized("user", 200)), turn(withheld)];
    const select = (redactions: number) =>
      strategyFor("full").select(
        viewOf({
          turns: [turns[0] ?? turn(), turn({ ...withheld, redactions })],
          incoming: [sized("user", 50)],
          knobs: { ...knobs, maxTokens: 360 },
        }),
      );
    expect(select(0).history).toHaveLength(2);
    expect(select(1).history).toHaveLength(1);
  });
});
