import { describe, expect, it } from "vitest";

import { foldRecordChain } from "../../../src/sealing/chain.ts";
import { encodeTurnRecord } from "../../../src/session/turn-record-codec.ts";
import { withOlderTurns } from "../../../src/turn/open-session.ts";
import { countLoopTurns } from "../../support/loop-turns.ts";
import { message, openedSession, turnRecord } from "./turn-fixtures.ts";

describe("opening a long session", () => {
  it("ends in a turn of the event loop of its own, for what is done with it is long as well", async () => {
    const record = turnRecord("long", { messages: [message("user", "word ".repeat(20_000))] });
    const sealed = encodeTurnRecord(record);
    const turns = countLoopTurns();
    const opened: number[] = [];
    const open = (): Buffer => (opened.push(turns.now()), sealed);
    const recordChain = foldRecordChain("", "long", sealed);
    const session = { ...openedSession([], { recordChain }), sealer: { seal: open, open } };
    await withOlderTurns(session, [{ id: "long", sequence: 0, sealed }]);
    turns.stop();
    expect(opened).toHaveLength(1);
    expect(turns.now()).toBeGreaterThan(opened[0] ?? Infinity);
  });

  it("lets others be served in between", async () => {
    const older = Array.from({ length: 1_000 }, (_, sequence) => {
      const id = `turn-${sequence}`;
      return { id, sequence, sealed: encodeTurnRecord(turnRecord(id, { sequence })) };
    });
    const recordChain = older.reduce((chain, { id, sealed }) => foldRecordChain(chain, id, sealed), "");
    const open = (_: string, __: string, sealed: Buffer): Buffer => sealed;
    const session = { ...openedSession([], { recordChain }), sealer: { seal: open, open } };
    const turns = countLoopTurns();
    const whole = await withOlderTurns(session, older);
    turns.stop();
    expect(whole.active.map(({ record }) => record.id)).toEqual(older.map(({ id }) => id));
    expect(turns.now()).toBeGreaterThan(10);
  });
});
