import { describe, expect, it } from "vitest";

import { foldRecordChain } from "../../../src/sealing/chain.ts";
import { encodeTurnRecord } from "../../../src/session/turn-record-codec.ts";
import { withOlderTurns } from "../../../src/turn/open-session.ts";
import { openedSession, turnRecord } from "./turn-fixtures.ts";

describe("opening a long session", () => {
  it("lets others be served in between", async () => {
    const older = Array.from({ length: 1_000 }, (_, sequence) => {
      const id = `turn-${sequence}`;
      return { id, sequence, sealed: encodeTurnRecord(turnRecord(id, { sequence })) };
    });
    const recordChain = older.reduce((chain, { id, sealed }) => foldRecordChain(chain, id, sealed), "");
    const open = (_: string, __: string, sealed: Buffer): Buffer => sealed;
    const session = { ...openedSession([], { recordChain }), sealer: { seal: open, open } };
    let isOpen = false;
    let served = 0;
    const serve = (): void => {
      served += 1;
      if (!isOpen) setImmediate(serve);
    };
    setImmediate(serve);
    const whole = await withOlderTurns(session, older);
    isOpen = true;
    expect(whole.active.map(({ record }) => record.id)).toEqual(older.map(({ id }) => id));
    expect(served).toBeGreaterThan(10);
  });
});
