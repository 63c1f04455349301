import { describe, expect, it } from "vitest";

import type { RequestPrint } from "../../../src/turn/request-print.ts";
import { createTurnGate } from "../../../src/turn/turn-gate.ts";

interface Request {
  readonly session?: string;
  readonly body?: string;
  readonly key?: string;
  readonly tries?: number;
}

function print({ session = "s", body = "body", key, tries }: Request = {}): RequestPrint {
  return { sessionKey: session, requestHash: body, idempotencyHash: key, tries };
}

/** Work that says when it began, and ends when it is told to. */
function workbench() {
  const begun: string[] = [];
  const enders = new Map<string, (error?: Error) => void>();
  const work = (name: string) => () =>
    new Promise<void>((resolve, reject) => {
      begun.push(name);
      enders.set(name, (error) => (error ? reject(error) : resolve()));
    });
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return {
    begun,
    work,
    async end(name: string, error?: Error) {
      enders.get(name)?.(error);
      await settled();
    },
    settled,
  };
}

describe("parallel turns of one session", () => {
  it("run together", async () => {
    const gate = createTurnGate("parallel");
    const { begun, work } = workbench();
    void gate.enter(print(), work("one"));
    void gate.enter(print(), work("two"));
    expect(begun).toEqual(["one", "two"]);
  });

  it("wait for each other where they are serialized; other sessions do not wait", async () => {
    const gate = createTurnGate("serialize");
    const { begun, work, end, settled } = workbench();
    const first = gate.enter(print(), work("one"));
    void gate.enter(print(), work("two"));
    void gate.enter(print({ session: "other" }), work("other"));
    await settled();
    expect(begun).toEqual(["one", "other"]);
    await Promise.all([expect(first).rejects.toThrow("failed"), end("one", new Error("failed"))]);
    expect(begun).toEqual(["one", "other", "two"]);
  });

  it("are refused where only one may run, until it has ended", async () => {
    const gate = createTurnGate("reject");
    const { begun, work, end } = workbench();
    void gate.enter(print(), work("one"));
    await expect(gate.enter(print(), work("two"))).rejects.toMatchObject({ code: "conversation_locked" });
    await end("one");
    void gate.enter(print(), work("three"));
    expect(begun).toEqual(["one", "three"]);
  });
});

describe.each(["parallel", "serialize", "reject"] as const)("an idempotency key (%s)", (concurrency) => {
  it("in flight refuses its like: the same body by 409, another by 422", async () => {
    const gate = createTurnGate(concurrency);
    const { work } = workbench();
    void gate.enter(print({ key: "k" }), work("one"));
    await expect(gate.enter(print({ key: "k" }), work("two"))).rejects.toMatchObject({ code: "turn_in_flight" });
    await expect(gate.enter(print({ key: "k", body: "other" }), work("three"))).rejects.toMatchObject({
      code: "idempotency_key_reused",
    });
  });

  it("is free again when its request ended, well or badly", async () => {
    const gate = createTurnGate(concurrency);
    const { begun, work, end } = workbench();
    const failed = gate.enter(print({ key: "k" }), work("one"));
    await Promise.all([expect(failed).rejects.toThrow("failed"), end("one", new Error("failed"))]);
    void gate.enter(print({ key: "k" }), work("two"));
    expect(begun).toEqual(["one", "two"]);
  });
});

describe("an SDK's retry", () => {
  it("waits for its first try to end", async () => {
    const gate = createTurnGate("parallel");
    const { begun, work, end } = workbench();
    void gate.enter(print({ tries: 0 }), work("first"));
    void gate.enter(print({ tries: 1 }), work("second"));
    void gate.enter(print({ tries: 2 }), work("third"));
    expect(begun).toEqual(["first"]);
    await end("first");
    expect(begun).toEqual(["first", "second"]);
    await end("second");
    expect(begun).toEqual(["first", "second", "third"]);
  });

  it("does not wait for other bodies or other sessions, nor a first try for a first try", () => {
    const gate = createTurnGate("parallel");
    const { begun, work } = workbench();
    void gate.enter(print({ tries: 0 }), work("first"));
    void gate.enter(print({ tries: 0 }), work("same words again"));
    void gate.enter(print({ tries: 1, body: "other" }), work("other body"));
    void gate.enter(print({ tries: 1, session: "other" }), work("other session"));
    expect(begun).toEqual(["first", "same words again", "other body", "other session"]);
  });
});
