import { describe, expect, it } from "vitest";

import { findRepeat } from "../../../src/turn/find-repeat.ts";
import { openedSession, turnRecord } from "./turn-fixtures.ts";

const print = (
  body: string,
  more: Partial<Parameters<typeof findRepeat>[1]> = {},
): Parameters<typeof findRepeat>[1] => ({
  requestHash: body,
  idempotencyHash: undefined,
  tries: undefined,
  failedTurn: undefined,
  ...more,
});
const session = openedSession([
  turnRecord("a", { idempotencyHash: "key-a" }),
  turnRecord("b", { idempotencyHash: "key-b", status: "incomplete" }),
  turnRecord("c"),
]);
const answered = (id: string) => ({
  kind: "answered",
  turn: expect.objectContaining({ record: expect.objectContaining({ id }) }),
});

describe("a request is a repetition", () => {
  it("never of a session that does not exist", () => {
    expect(findRepeat(undefined, print("body of a", { idempotencyHash: "key-a", tries: 1 }))).toBeUndefined();
  });

  it("by its key, of whichever turn holds it", () => {
    expect(findRepeat(session, print("body of a", { idempotencyHash: "key-a" }))).toEqual(answered("a"));
  });

  it("by its key, of an unfinished turn, whose place it takes", () => {
    expect(findRepeat(session, print("body of b", { idempotencyHash: "key-b" }))).toEqual({
      kind: "unfinished",
      keepTurns: 1,
    });
  });

  it("not by a key that no turn holds, whatever its body and its count of tries", () => {
    expect(findRepeat(session, print("body of c", { idempotencyHash: "key-x", tries: 1 }))).toBeUndefined();
  });

  it("and a mistake, when its key came with another body", () => {
    expect(() => findRepeat(session, print("body of c", { idempotencyHash: "key-a" }))).toThrow(
      expect.objectContaining({ code: "idempotency_key_reused" }),
    );
  });

  it("by its count of tries, of the newest turn only", () => {
    expect(findRepeat(session, print("body of c", { tries: 1 }))).toEqual(answered("c"));
    expect(findRepeat(session, print("body of a", { tries: 1 }))).toBeUndefined();
    expect(findRepeat(session, print("body of c"))).toBeUndefined();
  });

  it("not of a turn that was there before its first try failed", () => {
    expect(findRepeat(session, print("body of c", { tries: 1, failedTurn: "" }))).toBeUndefined();
    expect(findRepeat(session, print("body of c", { tries: 1, failedTurn: "b" }))).toBeUndefined();
    expect(findRepeat(session, print("body of c", { tries: 1, failedTurn: "c" }))).toEqual(answered("c"));
  });

  it("counting turns over the whole session, also those that are not loaded", () => {
    const front = { turns: 7, messages: 14, tokens: 0, printChain: "" };
    const long = openedSession([turnRecord("z", { status: "incomplete" })], { front });
    expect(findRepeat(long, print("body of z", { tries: 1 }))).toEqual({ kind: "unfinished", keepTurns: 7 });
  });
});
