import { describe, expect, it } from "vitest";

import type { EpochState, Summary } from "../../../src/history/history-strategy.ts";
import { transcriptMessages } from "../../../src/session/active-turns.ts";
import { foldChain } from "../../../src/session/fingerprint.ts";
import { emptyFront, type SessionHead } from "../../../src/session/session-head.ts";
import { advanceSession, freshEpoch, needsOlderTurns } from "../../../src/turn/advance-session.ts";
import { message, openedSession, turnDraft, turnRecord } from "./turn-fixtures.ts";

const three = [turnRecord("a"), turnRecord("b"), turnRecord("c")];
const said = (advanced: ReturnType<typeof advanceSession>): string[] =>
  transcriptMessages(advanced.active).map(({ seen }) => seen);

describe("a turn advances a session", () => {
  it("that did not exist: the turn is all there is", () => {
    const { head, record, loadFrom } = advanceSession(undefined, turnDraft());
    expect(record.sequence).toBe(0);
    expect(loadFrom).toBe(0);
    expect(head).toMatchObject({
      sessionId: "chat",
      title: "question new",
      createdAt: 2_000,
      lastActiveAt: 2_000,
      records: 1,
      turns: 1,
      messages: 2,
      tokens: 20,
      totals: { baselineTokens: 100, sentTokens: 60, overheadTokens: 0, savedUsd: 0.5 },
    });
  });

  it("by standing behind all others; title and creation stay, totals add up", () => {
    const base = openedSession(three, {
      totals: { baselineTokens: 10, sentTokens: 20, overheadTokens: 5, savedUsd: -1 },
    });
    const advanced = advanceSession(base, turnDraft());
    expect(advanced.record.sequence).toBe(3);
    expect(said(advanced).slice(-2)).toEqual(["question new", "answer new"]);
    expect(advanced.head).toMatchObject({
      title: "title",
      createdAt: 0,
      turns: 4,
      messages: 8,
      totals: { baselineTokens: 110, sentTokens: 80, overheadTokens: 5, savedUsd: -0.5 },
    });
  });

  it("and changes nothing of what it was given", () => {
    const base = openedSession(three);
    const before = JSON.stringify(base);
    advanceSession(base, turnDraft({ rewindTo: "a", previousChoice: 1 }));
    expect(JSON.stringify(base)).toBe(before);
  });

  it("by taking the place of later turns, whose records stay in the log", () => {
    const { head, ...advanced } = advanceSession(openedSession(three), turnDraft({ rewindTo: "a" }));
    expect(said({ head, ...advanced })).toEqual(["question a", "answer a", "question new", "answer new"]);
    expect(head).toMatchObject({ records: 4, turns: 2, messages: 4 });
  });

  it("by replacing all", () => {
    const advanced = advanceSession(openedSession(three), turnDraft({ rewindTo: "" }));
    expect(said(advanced)).toEqual(["question new", "answer new"]);
  });

  it("without loss when the turn to go back to is gone: another writer was first", () => {
    const advanced = advanceSession(openedSession(three), turnDraft({ rewindTo: "gone" }));
    expect(advanced.head.turns).toBe(4);
  });

  it("by choosing what it goes on from", () => {
    const choices = turnRecord("c", { answers: [message("assistant", "red"), message("assistant", "green", 30)] });
    const advanced = advanceSession(openedSession([choices]), turnDraft({ previousChoice: 1 }));
    expect(said(advanced)).toEqual(["question c", "green", "question new", "answer new"]);
    expect(advanced.head.tokens).toBe(10 + 30 + 20);
  });
});

describe("an epoch", () => {
  const held: EpochState = { number: 4, firstTurn: 0, ledger: 100, summaryFailed: true };
  const next: EpochState = { number: 5, firstTurn: 2, ledger: 0, summaryFailed: false };
  const change = (parent: number, carried = 0) => ({
    parent,
    state: next,
    cut: "ledger" as const,
    after: "b",
    carried,
    digest: undefined,
  });

  it("begins where the turn was planned on the one that stands; what lies before it becomes the front", () => {
    const { head, loadFrom } = advanceSession(
      openedSession(three, { epoch: held }),
      turnDraft({}, { epoch: change(4) }),
    );
    expect(head.epoch).toEqual(next);
    expect(head.front).toEqual({
      turns: 2,
      messages: 4,
      tokens: 40,
      printChain: ["question a", "answer a", "question b", "answer b"].reduce(foldChain, ""),
    });
    expect(loadFrom).toBe(0);
  });

  it("does not begin when another turn began one meanwhile; only the carried cost counts", () => {
    const { head } = advanceSession(openedSession(three, { epoch: held }), turnDraft({}, { epoch: change(3, 25) }));
    expect(head.epoch).toEqual({ ...held, ledger: 125 });
    expect(head.front.turns).toBe(0);
  });

  it.each([
    ["replaced all turns", [...three, turnRecord("x", { rewindTo: "" })]],
    ["replaced those it was planned on", [...three, turnRecord("x", { rewindTo: "a" }), turnRecord("y")]],
  ])("does not begin when another turn %s meanwhile, though the old one stands", (_, records) => {
    const base = openedSession(records, { epoch: held });
    const { head, active } = advanceSession(base, turnDraft({}, { epoch: change(4, 25) }));
    expect(head.epoch).toEqual({ ...held, ledger: 125 });
    expect(head.front.turns).toBe(0);
    expect(head.turns).toBe(active.length);
  });

  it("ends with the turns it began behind, when a turn goes back before them", () => {
    const began: EpochState = { number: 4, firstTurn: 2, ledger: 100, summaryFailed: false };
    const draft = turnDraft({ rewindTo: "a" }, { epoch: { ...change(4), state: began } });
    const { head } = advanceSession(openedSession(three, { epoch: began }), draft);
    expect(head.epoch.firstTurn).toBeLessThanOrEqual(1);
    expect(head.epoch.number).toBeGreaterThan(4);
  });

  it("takes its digest along, and drops the summaries that it replaced", () => {
    const summary = (toTurn: number): Summary => ({ toTurn, fromTurn: 0, text: `to ${toTurn}`, by: "extractive" });
    const base = { ...openedSession(three, { epoch: held }), summaries: [summary(1)] };
    const { summaries } = advanceSession(base, turnDraft({}, { epoch: { ...change(4), digest: summary(2) } }));
    expect(summaries.map(({ toTurn }) => toTurn)).toEqual([2]);
  });

  it("is the first of a session at its start", () => {
    expect(advanceSession(undefined, turnDraft()).head.epoch).toEqual(freshEpoch);
  });
});

describe("of a session whose first ten turns are not held, a turn asks for them", () => {
  const epochAt = (number: number, firstTurn: number): EpochState => ({ ...freshEpoch, number, firstTurn });
  const held = (epoch: EpochState, more: Partial<SessionHead> = {}) =>
    openedSession(three, { front: { ...emptyFront, turns: 10 }, turns: 13, epoch, ...more });
  const planned = (parent: number, firstTurn: number, record: { rewindTo?: string } = {}) =>
    turnDraft(record, { epoch: { ...turnDraft().epoch, parent, state: epochAt(parent + 1, firstTurn) } });

  it("when it goes back to one of them, or to before all", () => {
    expect(needsOlderTurns(held(epochAt(4, 10)), planned(4, 10, { rewindTo: "older" }))).toBe(true);
    expect(needsOlderTurns(held(epochAt(4, 10)), planned(4, 10, { rewindTo: "" }))).toBe(true);
    expect(needsOlderTurns(held(epochAt(4, 10)), planned(4, 10, { rewindTo: "a" }))).toBe(false);
  });

  it("when its epoch begins among them", () => {
    expect(needsOlderTurns(held(epochAt(4, 10)), planned(4, 3))).toBe(true);
    expect(needsOlderTurns(held(epochAt(4, 10)), planned(4, 12))).toBe(false);
  });

  it("but not when its epoch was overtaken: where that would have begun no longer counts", () => {
    expect(needsOlderTurns(held(epochAt(5, 10)), planned(4, 3))).toBe(false);
  });

  it("when it ends an epoch that another writer began, and the summary left ends among them", () => {
    const summary: Summary = { fromTurn: 0, toTurn: 3, text: "to 3", by: "model" };
    const base = { ...held(epochAt(5, 12)), summaries: [summary] };
    expect(needsOlderTurns(base, planned(4, 11, { rewindTo: "a" }))).toBe(true);
    expect(needsOlderTurns({ ...base, summaries: [] }, planned(4, 11, { rewindTo: "a" }))).toBe(false);
  });
});
