import { describe, expect, it, vi } from "vitest";

import { GatewayError } from "../../../src/errors/gateway-error.ts";
import { createSealer } from "../../../src/sealing/create-sealer.ts";
import type { Keyring } from "../../../src/sealing/keyring.ts";
import type { SessionIdentity } from "../../../src/sealing/sealer.ts";
import type { RecordStore } from "../../../src/store/record-store.ts";
import { createMemoryRecordStore } from "../../support/memory-record-store.ts";
import { identity, keyringOf, randomKey, refused, unreadable } from "./sealing-fixtures.ts";

const hello = Buffer.from("hello");
const ownedBy = (owner: string): SessionIdentity => ({ ...identity, owner, key: `${owner}-session` });

function setUp(limits: { maxOwners?: number; maxSessions?: number } = {}) {
  let now = 1_000_000;
  const records = createMemoryRecordStore();
  const keyring = keyringOf("main");
  const sealer = createSealer({ records, keyring, clock: () => now, ...limits });
  const replica = () => createSealer({ records, keyring, clock: () => now });
  return { records, keyring, sealer, replica, pass: (ms: number) => (now += ms) };
}

/** Another data key stands in the store now, as after an erasure and a new start. */
async function replaceDataKey(records: { entries: Map<string, Buffer> }, keyring: Keyring): Promise<void> {
  for (const name of records.entries.keys()) records.entries.set(name, await keyring.wrap(name, randomKey()));
}

describe("a sealer", () => {
  it("makes one wrapped data key per owner and opens its records on every replica", async () => {
    const { records, sealer, replica } = setUp();
    const sealed = (await sealer.forNewSession(identity)).seal("turn", "a", hello);
    await sealer.forNewSession({ ...identity, key: "other-session" });
    expect(records.entries.size).toBe(1);
    expect((await replica().forNewSession(identity)).open("turn", "a", sealed)).toEqual(hello);
  });

  it("keeps owners, sessions and incarnations apart", async () => {
    const { records, sealer } = setUp();
    const sealed = (await sealer.forNewSession(identity)).seal("turn", "a", hello);
    const foreign: SessionIdentity[] = [
      { ...identity, owner: "someone-else" },
      { ...identity, key: "another-session" },
      { ...identity, incarnation: "f".repeat(32) },
    ];
    for (const other of foreign) {
      const stranger = await sealer.forNewSession(other);
      unreadable(() => stranger.open("turn", "a", sealed));
    }
    expect((await sealer.forNewSession(identity)).open("turn", "a", sealed)).toEqual(hello);
    expect(records.entries.size).toBe(2);
  });

  it("shares one data key between replicas that race to make it", async () => {
    const { records, sealer, replica } = setUp();
    const sealers = await Promise.all([sealer, replica(), replica()].map((each) => each.forNewSession(identity)));
    expect(records.reads).toHaveLength(3);
    for (const one of sealers) {
      for (const other of sealers) expect(other.open("turn", "a", one.seal("turn", "a", hello))).toEqual(hello);
    }
  });

  it("reads a data key once, however many sessions ask at the same time", async () => {
    const { records, sealer } = setUp();
    const sessions = Array.from({ length: 50 }, (_, index) => ({ ...identity, key: `session-${index}` }));
    await Promise.all(sessions.map((session) => sealer.forNewSession(session)));
    expect(records.reads).toHaveLength(1);
  });

  it("makes a data key once, however many sessions of a new owner begin at the same time", async () => {
    const { records, keyring } = setUp();
    let puts = 0;
    const counted: RecordStore = {
      ...records,
      async putIfAbsent(name, bytes) {
        puts += 1;
        return records.putIfAbsent(name, bytes);
      },
    };
    const sealer = createSealer({ records: counted, keyring, clock: Date.now });
    await Promise.all(Array.from({ length: 50 }, (_, index) => sealer.forNewSession({ ...identity, key: `${index}` })));
    expect(puts).toBe(1);
  });

  it("makes no key for a session that exists: one that is gone stays gone", async () => {
    const { records, sealer, replica, pass } = setUp();
    const sealed = (await sealer.forNewSession(identity)).seal("turn", "a", hello);
    expect((await replica().forSession(identity)).open("turn", "a", sealed)).toEqual(hello);
    records.entries.clear();
    expect(await refused(replica().forSession(identity))).toContain("gone");
    pass(60_000);
    expect(await refused(sealer.forSession(identity))).toContain("gone");
    expect(records.entries.size).toBe(0);
  });

  it("asks the store again after 60 s, and derives nothing anew while the data key is the same", async () => {
    const { records, sealer, pass } = setUp();
    const first = await sealer.forNewSession(identity);
    pass(59_999);
    expect(await sealer.forNewSession(identity)).toBe(first);
    expect(records.reads).toHaveLength(1);
    pass(1);
    expect(await sealer.forNewSession(identity)).toBe(first);
    expect(records.reads).toHaveLength(2);
    pass(59_999);
    expect(await sealer.forNewSession(identity)).toBe(first);
    expect(records.reads).toHaveLength(2);
  });

  it("unwraps a data key once for as long as the store holds the same bytes, however often it looks", async () => {
    const { records, keyring, sealer } = setUp();
    const unwrap = vi.spyOn(keyring, "unwrap");
    const sealed = (await sealer.forNewSession(identity)).seal("turn", "a", hello);
    expect(await sealer.isCurrent(identity, sealed)).toBe(true);
    expect(await sealer.isCurrent(identity, sealed)).toBe(true);
    expect(unwrap).toHaveBeenCalledTimes(1);
    await replaceDataKey(records, keyring);
    expect(await sealer.isCurrent(identity, sealed)).toBe(false);
    expect(unwrap).toHaveBeenCalledTimes(2);
  });

  it("uses a replaced data key from the 60th second on, also in sessions that were never idle", async () => {
    const { records, keyring, sealer, pass } = setUp();
    const sealed = (await sealer.forNewSession(identity)).seal("turn", "a", hello);
    await replaceDataKey(records, keyring);
    for (let second = 1; second < 60; second += 1) {
      pass(1_000);
      expect((await sealer.forNewSession(identity)).open("turn", "a", sealed)).toEqual(hello);
    }
    pass(1_000);
    const renewed = await sealer.forNewSession(identity);
    unreadable(() => renewed.open("turn", "a", sealed));
  });

  it("counts the 60 s from before the store was asked", async () => {
    const { records, keyring } = setUp();
    let now = 0;
    const slow: RecordStore = {
      ...records,
      async read(name) {
        const bytes = await records.read(name);
        now += 30_000;
        return bytes;
      },
    };
    await createSealer({ records, keyring, clock: () => now }).forNewSession(identity);
    const sealer = createSealer({ records: slow, keyring, clock: () => now });
    await sealer.forSession(identity);
    now += 30_000;
    await sealer.forSession(identity);
    expect(records.reads).toHaveLength(3);
  });

  it("asks the store again when the clock was set back", async () => {
    const { records, sealer, pass } = setUp();
    await sealer.forNewSession(identity);
    pass(-1);
    await sealer.forNewSession(identity);
    expect(records.reads).toHaveLength(2);
  });

  it("names the missing master key, and makes no other data key", async () => {
    const { records, sealer } = setUp();
    await sealer.forNewSession(identity);
    const before = [...records.entries];
    const other = createSealer({ records, keyring: keyringOf("other"), clock: Date.now });
    await expect(other.forNewSession(identity)).rejects.toMatchObject({
      code: "record_unreadable",
      message: expect.stringContaining('"main"'),
    });
    expect([...records.entries]).toEqual(before);
  });

  it("refuses a data key that was moved from another owner", async () => {
    const { records, sealer, replica } = setUp();
    await sealer.forNewSession(ownedBy("ada"));
    await sealer.forNewSession(ownedBy("bob"));
    const [ada, bob] = [...records.entries.keys()];
    records.entries.set(bob ?? "", records.entries.get(ada ?? "") ?? Buffer.alloc(0));
    await expect(replica().forNewSession(ownedBy("bob"))).rejects.toMatchObject({ code: "record_unreadable" });
  });

  it("rejects while the store is down, to all who wait, and recovers with it", async () => {
    const { records, keyring } = setUp();
    let down = true;
    const flaky: RecordStore = {
      ...records,
      async read(name) {
        if (down) throw new GatewayError("store_unavailable", "down");
        return records.read(name);
      },
    };
    let now = 0;
    const sealer = createSealer({ records: flaky, keyring, clock: () => now });
    const results = await Promise.allSettled([sealer.forNewSession(identity), sealer.forNewSession(identity)]);
    expect(results).toMatchObject(Array(2).fill({ status: "rejected", reason: { code: "store_unavailable" } }));

    down = false;
    const first = await sealer.forNewSession(identity);
    down = true;
    expect(await sealer.forNewSession(identity)).toBe(first);
    now += 60_000;
    await expect(sealer.forNewSession(identity)).rejects.toMatchObject({ code: "store_unavailable" });
    down = false;
    expect(await sealer.forNewSession(identity)).toBe(first);
  });

  it("forgets the least recently used owners beyond its bound", async () => {
    const { records, sealer } = setUp({ maxOwners: 2 });
    const [ada, bob, eve] = [ownedBy("ada"), ownedBy("bob"), ownedBy("eve")];
    for (const session of [ada, bob, ada, eve, ada]) await sealer.forNewSession(session);
    expect(records.reads).toHaveLength(3);
    await sealer.forNewSession(bob);
    expect(records.reads).toHaveLength(4);
  });

  it("forgets the least recently used sessions beyond its bound, and opens their records again", async () => {
    const { records, sealer } = setUp({ maxSessions: 1 });
    const first = await sealer.forNewSession(identity);
    const sealed = first.seal("turn", "a", hello);
    await sealer.forNewSession({ ...identity, key: "other-session" });
    const again = await sealer.forNewSession(identity);
    expect(again).not.toBe(first);
    expect(again.open("turn", "a", sealed)).toEqual(hello);
    expect(records.reads).toHaveLength(1);
  });
});

describe("an erased data key", () => {
  const erase = ({ records }: ReturnType<typeof setUp>) => records.remove(`data-key:${identity.owner}`);

  it("is used no more by a replica that was told to forget its owner", async () => {
    const world = setUp();
    const { sealer } = world;
    const bob = await sealer.forNewSession(ownedBy("bob"));
    await sealer.forNewSession(identity);
    await erase(world);
    await sealer.forSession(identity);
    sealer.forget(identity.owner);
    await refused(sealer.forSession(identity));
    world.records.entries.clear();
    expect(await sealer.forSession(ownedBy("bob"))).toBe(bob);
  });

  it("is not held by a read that began before the owner was to be forgotten", async () => {
    const { records, keyring } = setUp();
    const { promise: gate, resolve: answer } = Promise.withResolvers<void>();
    const slow: RecordStore = {
      ...records,
      async read(name) {
        const bytes = await records.read(name);
        await gate;
        return bytes;
      },
    };
    await createSealer({ records, keyring, clock: Date.now }).forNewSession(identity);
    const sealer = createSealer({ records: slow, keyring, clock: Date.now });
    const early = sealer.forSession(identity);
    await vi.waitFor(() => expect(records.reads).toHaveLength(2));
    await records.remove(`data-key:${identity.owner}`);
    sealer.forget(identity.owner);
    answer();
    await early;
    await refused(sealer.forSession(identity));
  });

  it("is not current for what was sealed under it, also when a new session of the owner has made another", async () => {
    const world = setUp();
    const { sealer, replica } = world;
    const sealed = (await sealer.forNewSession(identity)).seal("head", "", hello);
    expect(await sealer.isCurrent(identity, sealed)).toBe(true);
    expect(await replica().isCurrent(identity, sealed)).toBe(true);
    await erase(world);
    expect(await sealer.isCurrent(identity, sealed)).toBe(false);
    await replica().forNewSession({ ...identity, key: "another-session" });
    expect(await sealer.isCurrent(identity, sealed)).toBe(false);
    const renewed = (await sealer.forNewSession(identity)).seal("head", "", hello);
    expect(await sealer.isCurrent(identity, renewed)).toBe(true);
  });

  it("is seen at once by the sealer that asked whether it is current", async () => {
    const world = setUp();
    const sealed = (await world.sealer.forNewSession(identity)).seal("head", "", hello);
    await erase(world);
    await world.sealer.isCurrent(identity, sealed);
    await refused(world.sealer.forSession(identity));
  });
});
