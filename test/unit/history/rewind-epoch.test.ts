import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { Summary } from "../../../src/history/history-strategy.ts";
import { rewindEpoch } from "../../../src/history/rewind-epoch.ts";
import { strategyFor } from "../../../src/history/strategy-registry.ts";
import { createSession, isCut, knobs, playUntil, viewOf } from "./history-session.ts";

const epoch = { number: 4, firstTurn: 40, ledger: 123, summaryFailed: true };
const summary = (toTurn: number): Summary => ({ fromTurn: 0, toTurn, text: `to ${toTurn}`, by: "model" });

describe("a rewind", () => {
  it("behind the epoch's start leaves epoch and summaries as they are", () => {
    const summaries = [summary(40)];
    const rewound = rewindEpoch(epoch, summaries, 45);
    expect(rewound.epoch).toBe(epoch);
    expect(rewound.summaries).toBe(summaries);
  });

  it("drops a prepared summary that stands for turns that are gone", () => {
    expect(rewindEpoch(epoch, [summary(40), summary(50)], 45)).toEqual({ epoch, summaries: [summary(40)] });
  });

  it("before the epoch's start begins a new one behind the newest summary left", () => {
    expect(rewindEpoch(epoch, [summary(20), summary(40)], 30)).toEqual({
      epoch: { number: 5, firstTurn: 20, ledger: 0, summaryFailed: false },
      summaries: [summary(20)],
    });
  });

  it("goes back to the first turn where the past had only a summary that is void now", () => {
    expect(rewindEpoch(epoch, [summary(40)], 30).epoch).toMatchObject({ number: 5, firstTurn: 0 });
  });

  it("does not bring back a past that was not being sent", () => {
    expect(rewindEpoch(epoch, [], 30).epoch).toMatchObject({ number: 5, firstTurn: 30 });
  });

  it("never leaves an epoch or a summary beyond the turns that stay, and is done after one pass", () => {
    const ends = fc.array(fc.integer({ min: 1, max: 80 }), { maxLength: 2 });
    fc.assert(
      fc.property(ends, fc.nat(80), fc.nat(80), (toTurns, firstTurn, keepTurns) => {
        const rewound = rewindEpoch({ ...epoch, firstTurn }, toTurns.map(summary), keepTurns);
        expect(rewound.epoch.firstTurn).toBeLessThanOrEqual(keepTurns);
        for (const { toTurn } of rewound.summaries) expect(toTurn).toBeLessThanOrEqual(keepTurns);
        expect(rewindEpoch(rewound.epoch, rewound.summaries, keepTurns)).toEqual(rewound);
      }),
    );
  });

  it("to just behind the epoch's start still sends the turns that a strategy promises", () => {
    for (const name of ["window", "hybrid"] as const) {
      const session = createSession({ strategy: name });
      playUntil(session, isCut);
      const strategy = strategyFor(name);
      const keepTurns = session.epoch.firstTurn + 1;
      const rewound = rewindEpoch(session.epoch, session.summaries, keepTurns);
      const firstLoadedTurn = strategy.firstTurnNeeded(
        {
          turns: keepTurns,
          epochFirstTurn: rewound.epoch.firstTurn,
          summarised: rewound.epoch.firstTurn,
          tokens: 0,
          epochTokens: 0,
        },
        knobs,
      );
      const { history, epoch: next } = strategy.select(
        viewOf({ ...rewound, turns: session.turns.slice(firstLoadedTurn, keepTurns), firstLoadedTurn }),
      );
      const promised = name === "window" ? knobs.windowTurns : knobs.keepTurns;
      expect(keepTurns - next.firstTurn).toBe(promised);
      expect(next.number).toBe(session.epoch.number + 1);
      // The summary goes on standing in front, though it tells of some of these turns too.
      expect(history).toHaveLength(2 * promised + (name === "hybrid" ? 1 : 0));
    }
  });
});
