import { stat } from "node:fs";
import { setImmediate as nextTurnOfTheLoop } from "node:timers/promises";

import { describe, expect, it } from "vitest";

import { createMemoryBackend } from "../../../src/store/memory/memory-backend.ts";
import type { StoredSession } from "../../../src/store/session-store.ts";
import type { StoreBackend } from "../../../src/store/store-backend.ts";
import type { StoreOperation } from "../../../src/store/store-operation.ts";
import { storeUnavailable } from "../../../src/store/store-unavailable.ts";
import { type BreakerOptions, withBreaker } from "../../../src/store/with-breaker.ts";
import { describeStoreBackend, everyCall } from "../../conformance/store-backend.suite.ts";
import { createHandClock } from "../../support/store-hand-clock.ts";
import { createRecordedLog } from "../../support/store-log.ts";

const UNAVAILABLE = { name: "GatewayError", code: "store_unavailable" };

describeStoreBackend("memory behind a breaker", {
  async open() {
    const clock = createHandClock();
    const backend = createMemoryBackend({ clock: clock.now });
    return {
      backend: withBreaker(backend, { timeoutMs: 10_000, clock: clock.now, log: createRecordedLog().log }),
      now: clock.now,
      elapse: async (ms) => clock.advance(ms),
    };
  },
});

type Load = () => Promise<StoredSession | undefined>;

const healthy: Load = async () => undefined;
const broken: Load = () => Promise.reject(storeUnavailable("down"));
const silent: Load = () => new Promise(() => {});

describe("a breaker", () => {
  it("rejects a call that gets no answer in time, and leaves the call alone", async () => {
    const { guarded, behave, outcomes } = createSubject({ timeoutMs: 10 });
    let finish: (() => void) | undefined;
    let finished = false;
    behave(async () => {
      await new Promise<void>((resolve) => (finish = resolve));
      finished = true;
      return undefined;
    });
    await expect(guarded.sessions.load("key")).rejects.toMatchObject(UNAVAILABLE);
    expect(outcomes).toEqual(["load timeout"]);
    finish?.();
    await expect.poll(() => finished).toBe(true);
    expect(outcomes).toEqual(["load timeout"]);
  });

  it("takes an answer that came in time but was read late, because this process was busy", async () => {
    const { guarded, behave } = createSubject({ timeoutMs: 10 });
    // From here the loop comes to its timers first and to what arrived from outside second.
    await nextTurnOfTheLoop();
    const readFromOutside = new Promise<undefined>((resolve) => stat(".", () => resolve(undefined)));
    behave(() => readFromOutside);
    const answer = guarded.sessions.load("key");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150);
    expect(await answer).toBeUndefined();
  });

  it("opens after consecutive failures and then does not ask the backend", async () => {
    const { guarded, behave, calls, events } = createSubject({ failures: 3 });
    behave(broken);
    for (let call = 0; call < 6; call++) await expect(guarded.sessions.load("key")).rejects.toMatchObject(UNAVAILABLE);
    expect(calls()).toBe(3);
    expect(events).toEqual(["store_circuit_opened"]);
  });

  it("does not open while successes come in between", async () => {
    const { guarded, behave, events } = createSubject({ failures: 2 });
    for (let round = 0; round < 5; round++) {
      behave(broken);
      await guarded.sessions.load("key").catch(() => undefined);
      behave(healthy);
      await guarded.sessions.load("key");
    }
    expect(events).toEqual([]);
  });

  it("goes on reading where writes fail, and says once that they do", async () => {
    const { log, events } = createRecordedLog();
    const { now, advance } = createHandClock();
    const backend = createMemoryBackend({ clock: now });
    const full = (): Promise<never> => Promise.reject(storeUnavailable("the disk is full"));
    const readOnly = {
      ...backend,
      records: { ...backend.records, remove: full },
      sessions: { ...backend.sessions, remove: full },
    };
    const guarded = withBreaker(readOnly, { timeoutMs: 1_000, failures: 2, clock: now, log });
    for (let second = 0; second < 5; second++) {
      await Promise.allSettled(Array.from({ length: 4 }, () => guarded.sessions.remove("key")));
      await expect(guarded.records.remove("name")).rejects.toMatchObject(UNAVAILABLE);
      expect(await guarded.sessions.load("key")).toBeUndefined();
      expect(await guarded.records.list("", { limit: 1 })).toEqual([]);
      advance(1_000);
    }
    expect(events).toEqual(["store_circuit_opened"]);
  });

  it("counts silence like failure", async () => {
    const { guarded, behave, events } = createSubject({ timeoutMs: 5, failures: 2 });
    behave(silent);
    await Promise.allSettled([guarded.sessions.load("key"), guarded.sessions.load("key")]);
    expect(events).toEqual(["store_circuit_opened"]);
  });

  it("after the pause lets one call through; its success closes the circuit", async () => {
    const { guarded, behave, calls, events, clock } = createSubject({ failures: 1, pauseMs: 1_000 });
    behave(broken);
    await guarded.sessions.load("key").catch(() => undefined);
    clock.advance(999);
    await expect(guarded.sessions.load("key")).rejects.toMatchObject(UNAVAILABLE);
    clock.advance(1);
    behave(healthy);
    const together = await Promise.allSettled([1, 2, 3].map(() => guarded.sessions.load("key")));
    expect(together.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected"]);
    await guarded.sessions.load("key");
    expect(calls()).toBe(3);
    expect(events).toEqual(["store_circuit_opened", "store_circuit_closed"]);
  });

  it("a failed try keeps it open for another pause, without another line in the log", async () => {
    const { guarded, behave, calls, events, clock } = createSubject({ failures: 1, pauseMs: 1_000 });
    behave(broken);
    for (let second = 0; second < 4; second++) {
      await guarded.sessions.load("key").catch(() => undefined);
      await guarded.sessions.load("key").catch(() => undefined);
      clock.advance(1_000);
    }
    expect(calls()).toBe(4);
    expect(events).toEqual(["store_circuit_opened"]);
  });

  it("a clock that was set back does not hold it open", async () => {
    const { guarded, behave, clock } = createSubject({ failures: 1 });
    behave(broken);
    await guarded.sessions.load("key").catch(() => undefined);
    clock.advance(-3_600_000);
    behave(healthy);
    expect(await guarded.sessions.load("key")).toBeUndefined();
  });

  it("a mistake of the caller is not an outage", async () => {
    const { guarded, behave, events, outcomes } = createSubject({ failures: 1 });
    behave(() => Promise.reject(new TypeError("wrong")));
    await expect(guarded.sessions.load("key")).rejects.toBeInstanceOf(TypeError);
    behave(healthy);
    await guarded.sessions.load("key");
    expect(events).toEqual([]);
    expect(outcomes).toEqual(["load failed", "load ok"]);
  });

  it("takes what a backend throws for a rejection, and says so at once", async () => {
    const { backend, outcomes, options } = createSubject({ failures: 1 });
    const wrong = (): never => {
      throw new TypeError("wrong");
    };
    const guarded = withBreaker({ ...backend, sessions: { ...backend.sessions, readTurns: wrong } }, options);
    await expect(guarded.sessions.readTurns("key", 0, 1)).rejects.toBeInstanceOf(TypeError);
    expect(outcomes).toEqual(["readTurns failed"]);
  });

  it("guards every method", async () => {
    const { backend, guarded, outcomes } = createSubject({ failures: 100 });
    await backend.close();
    for (const call of everyCall(guarded, 0)) await expect(call()).rejects.toMatchObject(UNAVAILABLE);
    const guardedOperations = outcomes.map((outcome) => outcome.split(" ")[0]);
    expect(new Set(guardedOperations)).toEqual(new Set(Object.keys(operations)));
    expect(new Set(outcomes.map((outcome) => outcome.split(" ")[1]))).toEqual(new Set(["unavailable"]));
  });

  it("lets readiness ask the backend although it is open", async () => {
    const { guarded, behave } = createSubject({ failures: 1 });
    behave(broken);
    await guarded.sessions.load("key").catch(() => undefined);
    await expect(guarded.records.read("name")).rejects.toMatchObject(UNAVAILABLE);
    await expect(guarded.ping()).resolves.toBeUndefined();
  });
});

/** Vectors are held by some backends only: `postgres-vectors.test.ts` guards theirs. */
const operations: Readonly<Record<Exclude<StoreOperation, "putVectors" | "findVectors">, true>> = {
  load: true,
  readTurns: true,
  commit: true,
  remove: true,
  list: true,
  count: true,
  removeOwner: true,
  scan: true,
  readRecord: true,
  putRecord: true,
  replaceRecord: true,
  removeRecord: true,
  listRecords: true,
  takeQuota: true,
  holdPlaces: true,
  forgetQuota: true,
  postNotice: true,
  readNotices: true,
  appendAudit: true,
  readAudit: true,
  acquireLease: true,
  releaseLease: true,
  ping: true,
};

function createSubject(changes: Partial<BreakerOptions> = {}) {
  const clock = createHandClock();
  const { log, events } = createRecordedLog();
  const outcomes: string[] = [];
  let behaviour: Load = healthy;
  let calls = 0;
  const memory = createMemoryBackend({ clock: clock.now });
  const load: StoreBackend["sessions"]["load"] = async (key, known) => {
    calls += 1;
    await memory.sessions.load(key, known);
    return behaviour();
  };
  const backend: StoreBackend = { ...memory, sessions: { ...memory.sessions, load } };
  const options: BreakerOptions = {
    timeoutMs: 5_000,
    clock: clock.now,
    log,
    onCall: (operation, outcome) => outcomes.push(`${operation} ${outcome}`),
    ...changes,
  };
  const guarded = withBreaker(backend, options);
  const behave = (next: Load): void => {
    behaviour = next;
  };
  return { backend, guarded, options, behave, clock, events, outcomes, calls: () => calls };
}
