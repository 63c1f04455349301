import { beforeEach, describe, expect, it } from "vitest";

import { emptyFront } from "../../../src/session/session-head.ts";
import type { TurnRecord } from "../../../src/session/turn-record.ts";
import type { OpenedSession } from "../../../src/turn/opened-session.ts";
import { createRecallShelf, type KeptSession, type RecallShelf } from "../../../src/turn/recall-shelf.ts";
import type { SessionCache } from "../../../src/turn/session-cache.ts";
import { openedSession, turnRecord } from "./turn-fixtures.ts";

const records = (...ids: string[]): TurnRecord[] => ids.map((id, sequence) => turnRecord(id, { sequence }));
const all = records("a", "b", "c", "d", "e");

let reads: number;
let now: number;
let shelf: RecallShelf;
beforeEach(() => {
  reads = 0;
  now = 1_000;
  const loadAll = async (session: OpenedSession): Promise<OpenedSession> => {
    reads += 1;
    return { ...openedSession(stored), ref: session.ref };
  };
  const cache = { loadAll } as SessionCache;
  shelf = createRecallShelf({ cache, clock: () => now, maxBytes: 1 << 20, episodeGapMs: 300_000 });
});

let stored = all;
/** The session after its first `turns` turns, of which the first `front` are not held. */
function kept(turns: number, front = 0, of: readonly TurnRecord[] = all): KeptSession {
  stored = of.slice(0, turns);
  const session = openedSession(stored);
  const held = session.active.slice(front);
  return { session: { ...session, front: { ...emptyFront, turns: front }, active: held }, kept: held };
}

const keysOf = async (one: KeptSession): Promise<(string | undefined)[]> => {
  const index = await shelf.indexOf(one);
  return Array.from({ length: index.turnCount }, (_, turn) => index.keyAt(turn));
};

describe("an index on the shelf", () => {
  it("reads from the store what the session does not hold, once", async () => {
    expect(await keysOf(kept(3, 2))).toEqual(["a:0", "b:0", "c:0"]);
    expect(reads).toBe(1);
    expect(await keysOf(kept(5, 2))).toEqual(["a:0", "b:0", "c:0", "d:0", "e:0"]);
    expect(reads).toBe(1);
  });

  it("that was followed turn by turn needs no store", async () => {
    for (const [turns, front] of [
      [2, 0],
      [3, 1],
      [4, 2],
      [5, 3],
    ] as const)
      shelf.follow(kept(turns, front));
    await shelf.idle();
    expect(await keysOf(kept(5, 3))).toHaveLength(5);
    expect(reads).toBe(0);
  });

  it("is not made by following alone where that would need the store", async () => {
    shelf.follow(kept(5, 3));
    await shelf.idle();
    expect(reads).toBe(0);
    await keysOf(kept(5, 3));
    expect(reads).toBe(1);
  });

  it("is made anew after a rewind, here or on another replica", async () => {
    await keysOf(kept(5));
    const rewound = records("a", "b", "x");
    expect(await keysOf(kept(3, 0, rewound))).toEqual(["a:0", "b:0", "x:0"]);
    expect(await keysOf(kept(5, 3))).toEqual(["a:0", "b:0", "c:0", "d:0", "e:0"]);
    expect(reads).toBe(1);
  });

  it("stays while an edit is under way, for the turns before it", async () => {
    await keysOf(kept(5));
    expect(await keysOf(kept(2))).toHaveLength(5);
  });

  it("is another one for another choice, and for another life of the session", async () => {
    const first = await shelf.indexOf(kept(2));
    const [one, two] = kept(2).kept;
    if (!one || !two) throw new TypeError("two turns are kept");
    const other = { ...kept(2), kept: [one, { ...two, chosen: 1 }] };
    expect(await shelf.indexOf(other)).not.toBe(first);
    const again = await shelf.indexOf(kept(2));
    const { session, kept: turns } = kept(2);
    expect(await shelf.indexOf({ session: { ...session, incarnation: "j" }, kept: turns })).not.toBe(again);
  });

  it.each([
    ["its session is deleted", () => shelf.drop("key")],
    ["its user is erased", () => shelf.forget("owner")],
    ["nobody came back to it for ten minutes", () => void (now += 600_001)],
  ])("is gone when %s", async (_, leave) => {
    await keysOf(kept(5));
    leave();
    await keysOf(kept(5, 3));
    expect(reads).toBe(1);
  });

  it("keeps vectors while it is held, and those before an edit through it", async () => {
    const first = await shelf.indexOf(kept(3));
    const { session } = kept(3);
    const vectors = new Map([...first.units.keys()].map((unit) => [unit, Float32Array.of(1)]));
    expect(shelf.keepVectors(session, first, vectors)).toBe(true);
    const edited = await shelf.indexOf(kept(3, 0, records("a", "b", "x")));
    expect(edited.units.map(({ position }) => edited.vectors.of(position)?.[0])).toEqual([
      1,
      1,
      1,
      1,
      undefined,
      undefined,
    ]);
    expect(shelf.keepVectors(session, first, vectors)).toBe(false);
    shelf.drop("key");
    expect(shelf.keepVectors(session, edited, vectors)).toBe(false);
  });

  it("is not put back by what was under way when its user was erased", async () => {
    shelf.follow(kept(5));
    shelf.forget("owner");
    await shelf.idle();
    shelf.forget("owner");
    await keysOf(kept(5, 3));
    expect(reads).toBe(1);
  });
});
