import { describe, expect, it } from "vitest";

import { findRepeat, type RequestPrint } from "../../../src/turn/find-repeat.ts";
import { openedSession, turnRecord } from "./turn-fixtures.ts";

const print = (body: string, more: Partial<RequestPrint> = {}): RequestPrint => ({
  requestHash: body,
  idempotencyHash: undefined,
  isRetry: false,
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
    expect(findRepeat(undefined, print("body of a", { idempotencyHash: "key-a", isRetry: true }))).toBeUndefined();
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
    expect(findRepeat(session, print("body of c", { idempotencyHash: "key-x", isRetry: true }))).toBeUndefined();
  });

  it("and a mistake, when its key came with another body", () => {
    expect(() => findRepeat(session, print("body of c", { idempotencyHash: "key-a" }))).toThrow(
      expect.objectContaining({ code: "idempotency_key_reused" }),
    );
  });

  it("by its count of tries, of the newest turn only", () => {
    expect(findRepeat(session, print("body of c", { isRetry: true }))).toEqual(answered("c"));
    expect(findRepeat(session, print("body of a", { isRetry: true }))).toBeUndefined();
    expect(findRepeat(session, print("body of c"))).toBeUndefined();
  });

  it("not of a turn that was there before its first try failed", () => {
    expect(findRepeat(session, print("body of c", { isRetry: true, failedTurn: "" }))).toBeUndefined();
    expect(findRepeat(session, print("body of c", { isRetry: true, failedTurn: "b" }))).toBeUndefined();
    expect(findRepeat(session, print("body of c", { isRetry: true, failedTurn: "c" }))).toEqual(answered("c"));
  });

  it("counting turns over the whole session, also those that are not loaded", () => {
    const front = { turns: 7, messages: 14, tokens: 0, printChain: "" };
    const long = openedSession([turnRecord("z", { status: "incomplete" })], { front });
    expect(findRepeat(long, print("body of z", { isRetry: true }))).toEqual({ kind: "unfinished", keepTurns: 7 });
  });
});
