import { describe, expect, it } from "vitest";

import { createMemoryBackend } from "../../../src/store/memory/memory-backend.ts";
import type { StoreBackend } from "../../../src/store/store-backend.ts";
import { storeUnavailable } from "../../../src/store/store-unavailable.ts";
import { withBreaker } from "../../../src/store/with-breaker.ts";
import { HOUR_MS, openingOf } from "../../support/store-commits.ts";
import { createHandClock } from "../../support/store-hand-clock.ts";

const REFUSED = { code: "store_unavailable", message: expect.stringContaining("left alone") };
const DOWN = { code: "store_unavailable", message: "down" };
const FAILURES = 3;

describe("a breaker around a store of several partitions", () => {
  it("refuses what lies on one that fails, and goes on asking the others", async () => {
    const { guarded, down } = createSubject();
    down.add("a");
    for (let round = 0; round < FAILURES; round++) {
      await expect(guarded.sessions.load("a1")).rejects.toMatchObject(DOWN);
      expect(await guarded.sessions.load("b1")).toBeUndefined();
    }
    await expect(guarded.sessions.load("a2")).rejects.toMatchObject(REFUSED);
    for (let call = 0; call < 2 * FAILURES; call++) expect(await guarded.sessions.load("b1")).toBeUndefined();
  });

  it("says once of each that it is away and that it is back, and which it is", async () => {
    const { guarded, down, lines, clock } = createSubject();
    for (const name of ["a", "b"]) down.add(name);
    for (let round = 0; round < 2 * FAILURES; round++) {
      for (const key of ["a", "b", "c"]) await guarded.sessions.load(key).catch(() => undefined);
    }
    down.clear();
    clock.advance(1_000);
    for (const key of ["a", "b", "c"]) await guarded.sessions.load(key);
    expect(lines).toEqual([
      ["store_circuit_opened", { calls: "reads", partition: "a", failures: FAILURES }],
      ["store_circuit_opened", { calls: "reads", partition: "b", failures: FAILURES }],
      ["store_circuit_closed", { calls: "reads", partition: "a" }],
      ["store_circuit_closed", { calls: "reads", partition: "b" }],
    ]);
  });

  it("a call that needs two of them and fails is held against neither", async () => {
    const { guarded, down, lines } = createSubject();
    down.add("a");
    for (let round = 0; round < 3 * FAILURES; round++) {
      await expect(guarded.sessions.commit(sessionOf("b1", "a"))).rejects.toMatchObject(DOWN);
      await expect(guarded.sessions.removeOwner("c")).rejects.toMatchObject(DOWN);
      await expect(guarded.sessions.scan(undefined)).rejects.toMatchObject(DOWN);
    }
    expect(lines).toEqual([]);
    expect(await guarded.sessions.commit(sessionOf("b1", "b"))).toEqual({ committed: true });
  });

  it("a call that needs one that is left alone is refused, until a try finds that one back", async () => {
    const { guarded, down, clock } = createSubject();
    down.add("a");
    for (let round = 0; round < FAILURES; round++) {
      await expect(guarded.sessions.commit(sessionOf("a1", "a"))).rejects.toMatchObject(DOWN);
    }
    const commit = sessionOf("b1", "a");
    await expect(guarded.sessions.commit(commit)).rejects.toMatchObject(REFUSED);
    clock.advance(1_000);
    await expect(guarded.sessions.commit(commit)).rejects.toMatchObject(DOWN);
    await expect(guarded.sessions.commit(commit)).rejects.toMatchObject(REFUSED);
    down.clear();
    clock.advance(1_000);
    expect(await guarded.sessions.commit(commit)).toEqual({ committed: true });
    expect(await guarded.sessions.commit(sessionOf("a1", "a"))).toEqual({ committed: true });
  });

  it("a try is not used up by a call that another partition refuses", async () => {
    const { guarded, down, clock } = createSubject();
    for (const name of ["a", "b"]) down.add(name);
    const fail = async (name: string): Promise<void> => {
      for (let round = 0; round < FAILURES; round++) {
        await guarded.sessions.commit(sessionOf(`${name}1`, name)).catch(() => undefined);
      }
    };
    await fail("a");
    clock.advance(500);
    await fail("b");
    down.clear();
    clock.advance(500);
    await expect(guarded.sessions.commit(sessionOf("a1", "b"))).rejects.toMatchObject(REFUSED);
    expect(await guarded.sessions.commit(sessionOf("a1", "a"))).toEqual({ committed: true });
  });

  it("what has no known place is asked whatever circuit is open", async () => {
    const { guarded, down } = createSubject();
    down.add("a");
    for (let round = 0; round < FAILURES; round++) await guarded.sessions.load("a1").catch(() => undefined);
    for (let round = 0; round < 2 * FAILURES; round++) {
      await expect(guarded.sessions.scan(undefined)).rejects.toMatchObject(DOWN);
    }
    expect(await guarded.sessions.load("?")).toBeUndefined();
  });
});

const sessionOf = (key: string, owner: string) =>
  openingOf(key, { owner, createdAt: 0, expiresAt: HOUR_MS, loadFrom: 0 });

/** The first letter of a name is its partition; those in `down` are away. */
function createSubject() {
  const clock = createHandClock(0);
  const lines: [string, unknown][] = [];
  const record = (fields: Readonly<Record<string, unknown>>, event: string): void => void lines.push([event, fields]);
  const down = new Set<string>();
  const reach = (...names: readonly string[]): void => {
    if (names.some((name) => down.has(name.charAt(0)))) throw storeUnavailable("down");
  };
  const memory = createMemoryBackend({ clock: clock.now });
  const { sessions } = memory;
  const backend: StoreBackend = {
    ...memory,
    partitionOf: ({ kind, name }) => (kind === "anywhere" || name === "?" ? undefined : name.charAt(0)),
    sessions: {
      ...sessions,
      load: async (key, known) => (reach(key), sessions.load(key, known)),
      commit: async (commit) => (reach(commit.key, commit.fields.owner), sessions.commit(commit)),
      removeOwner: async (owner) => (reach(...down), sessions.removeOwner(owner)),
      scan: async (after) => (reach(...down), sessions.scan(after)),
    },
  };
  const log = { info: record, warn: record, error: record };
  const guarded = withBreaker(backend, { timeoutMs: 5_000, failures: FAILURES, clock: clock.now, log });
  return { guarded, down, clock, lines };
}
