import { describe, expect, it } from "vitest";

import type { EpochState, Summary } from "../../../src/history/history-strategy.ts";
import { emptyFront } from "../../../src/session/session-head.ts";
import { freshEpoch } from "../../../src/turn/advance-session.ts";
import type { OpenedSession } from "../../../src/turn/opened-session.ts";
import { isStillToTell } from "../../../src/turn/told-turns.ts";
import { openedSession, turnRecord } from "./turn-fixtures.ts";

const five = ["a", "b", "c", "d", "e"].map((id) => turnRecord(id));
const epoch = (number: number, firstTurn: number): EpochState => ({ ...freshEpoch, number, firstTurn });
const summary = (toTurn: number, by: Summary["by"] = "model"): Summary => ({ fromTurn: 0, toTurn, text: "told", by });
const told = (session: OpenedSession, ...summaries: Summary[]): OpenedSession => ({ ...session, summaries });

describe("a summary of turns three and four, wished for when one of the first two was at hand", () => {
  const session = told(openedSession(five, { epoch: epoch(3, 0) }), summary(2));
  const wish = { session, fromTurn: 2, toTurn: 4 };

  it("is kept while nothing changes, or turns are added", () => {
    expect(isStillToTell(session, wish)).toBe(true);
    expect(isStillToTell(told(openedSession([...five, turnRecord("f")]), summary(2)), wish)).toBe(true);
  });

  it("is kept when an epoch began meanwhile where it begins itself", () => {
    const cut = openedSession(five.slice(2), { epoch: epoch(4, 2), front: { ...emptyFront, turns: 2 } });
    expect(isStillToTell(told(cut, summary(2)), wish)).toBe(true);
  });

  it("is not kept when a cut told of its turns meanwhile, or left them untold before its epoch", () => {
    const behind = openedSession(five.slice(4), { epoch: epoch(4, 4), front: { ...emptyFront, turns: 4 } });
    expect(isStillToTell(told(openedSession(five), summary(3, "extractive")), wish)).toBe(false);
    expect(isStillToTell(told(behind, summary(2)), wish)).toBe(false);
  });

  it("is not kept when its turns were taken back, or the session began anew", () => {
    const edited = openedSession([...five, turnRecord("x", { rewindTo: "c" }), turnRecord("y")]);
    expect(isStillToTell(told(edited, summary(2)), wish)).toBe(false);
    expect(isStillToTell({ ...session, incarnation: "other" }, wish)).toBe(false);
  });
});
