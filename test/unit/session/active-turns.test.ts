import { describe, expect, it } from "vitest";

import { activeTurns, appendRecord, transcriptMessages } from "../../../src/session/active-turns.ts";
import type { StoredTurnPrint } from "../../../src/session/reconcile.ts";
import type { StoredMessage, TurnRecord } from "../../../src/session/turn-record.ts";

const message = (role: string, text: string): StoredMessage => ({
  role,
  bytes: Buffer.from(text),
  tokens: 1,
  toolCallIds: [],
  toolCallId: undefined,
  redactions: 0,
  seen: `seen ${text}`,
  stored: `stored ${text}`,
});

const record = (
  id: string,
  more: { rewindTo?: string; previousChoice?: number; answers?: number } = {},
): TurnRecord => ({
  id,
  sequence: 0,
  at: 0,
  status: "complete",
  model: "gpt-5",
  rewindTo: more.rewindTo,
  previousChoice: more.previousChoice ?? 0,
  messages: [message("user", `question ${id}`)],
  answers: Array.from({ length: more.answers ?? 1 }, (_, at) => message("assistant", `answer ${id}.${at}`)),
  finishReasons: [],
  usage: undefined,
  requestHash: "",
  idempotencyHash: undefined,
});

const idsOf = (records: TurnRecord[]): string[] => activeTurns(records).map((turn) => turn.record.id);
const textsOf = (records: TurnRecord[]): string[] =>
  transcriptMessages(activeTurns(records)).map(({ bytes }) => bytes.toString());

describe("the active transcript of a log of records", () => {
  it("holds records that append, in order", () => {
    expect(idsOf([record("a"), record("b"), record("c")])).toEqual(["a", "b", "c"]);
  });

  it("ends at the turn that a record rewinds to", () => {
    expect(idsOf([record("a"), record("b"), record("c"), record("d", { rewindTo: "a" })])).toEqual(["a", "d"]);
  });

  it("is replaced by a record that rewinds to the beginning", () => {
    expect(idsOf([record("a"), record("b"), record("c", { rewindTo: "" })])).toEqual(["c"]);
  });

  it("loses nothing when another writer rewound the turn away that a record goes on from", () => {
    const log = [record("a"), record("b"), record("c", { rewindTo: "a" }), record("d", { rewindTo: "b" })];
    expect(idsOf(log)).toEqual(["a", "c", "d"]);
  });

  it("goes on from the choice that the next record names", () => {
    const log = [record("a", { answers: 3 }), record("b", { previousChoice: 2 })];
    expect(textsOf(log)).toEqual(["question a", "answer a.2", "question b", "answer b.0"]);
  });

  it("changes the choice when a record rewinds to the turn and goes on from another", () => {
    const log = [record("a", { answers: 2 }), record("b"), record("c", { rewindTo: "a", previousChoice: 1 })];
    expect(textsOf(log)).toEqual(["question a", "answer a.1", "question c", "answer c.0"]);
  });

  it("keeps the first choice under a parallel record that speaks of another turn's choices", () => {
    const log = [record("a", { answers: 3 }), record("b"), record("c", { previousChoice: 2 })];
    expect(textsOf(log).slice(2, 4)).toEqual(["question b", "answer b.0"]);
  });

  it("has no answer where nothing usable arrived", () => {
    const [turn] = activeTurns([record("a", { answers: 0 })]);
    expect(turn?.messages).toHaveLength(1);
    expect(textsOf([record("a", { answers: 0 }), record("b")])).toEqual(["question a", "question b", "answer b.0"]);
  });

  it("is the same whether its log is read at once or record by record", () => {
    const log = [
      record("a", { answers: 2 }),
      record("b", { previousChoice: 1, answers: 0 }),
      record("c"),
      record("d", { rewindTo: "b", previousChoice: 0 }),
      record("e", { rewindTo: "c", answers: 3 }),
      record("f", { previousChoice: 2 }),
      record("g", { rewindTo: "" }),
      record("h"),
    ];
    for (const count of log.keys()) {
      const records = log.slice(0, count + 1);
      expect(records.reduce<ReturnType<typeof appendRecord>>(appendRecord, [])).toEqual(activeTurns(records));
    }
  });

  it("leaves an earlier snapshot as it was", () => {
    const before = activeTurns([record("a", { answers: 2 })]);
    appendRecord(before, record("b", { previousChoice: 1 }));
    expect(before.map(({ chosen }) => chosen)).toEqual([0]);
  });

  it("is compared by the fingerprints of its messages", () => {
    const [print]: readonly StoredTurnPrint[] = activeTurns([
      record("a", { answers: 2 }),
      record("b", { previousChoice: 1 }),
    ]);
    expect(print).toMatchObject({
      record: {
        messages: [{ role: "user", seen: "seen question a", stored: "stored question a" }],
        answers: [{ seen: "seen answer a.0" }, { seen: "seen answer a.1" }],
      },
      chosen: 1,
    });
  });
});
