import { describe, expect, it } from "vitest";

import { GatewayError } from "../../../src/errors/gateway-error.ts";
import type { Keyring } from "../../../src/sealing/keyring.ts";
import { createLocalKeyring } from "../../../src/sealing/local-keyring.ts";
import { rewrapKeys, rewrapUntilSettled } from "../../../src/sealing/rewrap-keys.ts";
import { openRootSecret } from "../../../src/sealing/root-secret.ts";
import type { RecordStore } from "../../../src/store/record-store.ts";
import { createMemoryRecordStore } from "../../support/memory-record-store.ts";
import { flipBit, randomKey } from "./sealing-fixtures.ts";

const OWNERS = 250;
const old = { id: "old", key: randomKey() };
const fresh = { id: "fresh", key: randomKey() };
const rotated = createLocalKeyring([fresh, old]);
const onlyFresh = createLocalKeyring([fresh]);

async function setUp(owners: number) {
  const records = createMemoryRecordStore();
  const before = createLocalKeyring([old]);
  const root = await openRootSecret({ records, keyring: before, mayCreate: true });
  const keys = new Map([["root-secret", root.key]]);
  for (let owner = 0; owner < owners; owner += 1) {
    const [name, key] = [`data-key:${owner}`, randomKey()];
    keys.set(name, key);
    records.entries.set(name, await before.wrap(name, key));
  }
  return { records, keys };
}

const rewrap = (records: RecordStore, keyring: Keyring = rotated) =>
  rewrapKeys({ records, keyring, onProgress: () => undefined });

async function expectAllUnder(keyring: Keyring, { records, keys }: Awaited<ReturnType<typeof setUp>>): Promise<void> {
  let opened = 0;
  for (const [name, wrapped] of records.entries) {
    expect(keyring.idOf(wrapped)).toBe(keyring.primaryId);
    const key = keys.get(name);
    if (key) expect((await keyring.unwrap(name, wrapped)).equals(key)).toBe(true);
    opened += 1;
  }
  expect(opened).toBe(records.entries.size);
}

describe("rewrapping", () => {
  it("leaves the same keys, all under the new master key, which alone then opens them", async () => {
    const world = await setUp(OWNERS);
    const seen: number[] = [];
    const startedAt = performance.now();
    const report = await rewrapKeys({
      records: world.records,
      keyring: rotated,
      onProgress: ({ rewrapped }) => seen.push(rewrapped),
    });
    const seconds = (performance.now() - startedAt) / 1000;
    process.stdout.write(`${report.rewrapped} keys rewrapped in memory in ${seconds.toFixed(2)} s\n`);
    expect(report).toEqual({ rewrapped: OWNERS + 1, current: 0, unreadable: new Map() });
    expect(seen.length).toBeGreaterThan(OWNERS / 101);
    expect(seen).toEqual(seen.toSorted((left, right) => left - right));
    await expectAllUnder(onlyFresh, world);
    expect(await rewrap(world.records)).toEqual({ rewrapped: 0, current: OWNERS + 1, unreadable: new Map() });
  });

  it("touches nothing else in the store", async () => {
    const world = await setUp(1);
    const others = [
      ["api-key:x", "sealed"],
      ["data-keys", "no key"],
      ["login:y", "sealed"],
    ] as const;
    for (const [name, text] of others) world.records.entries.set(name, Buffer.from(text));
    await rewrap(world.records);
    for (const [name, text] of others) expect(world.records.entries.get(name)).toEqual(Buffer.from(text));
  });

  it("goes on when another rotation is at work: between them they rewrap every key once", async () => {
    const world = await setUp(OWNERS);
    const reports = await Promise.all([rewrap(world.records), rewrap(world.records), rewrap(world.records)]);
    expect(reports.reduce((sum, { rewrapped }) => sum + rewrapped, 0)).toBe(OWNERS + 1);
    expect(reports.map(({ rewrapped, current }) => rewrapped + current)).toEqual(Array(3).fill(OWNERS + 1));
    await expectAllUnder(onlyFresh, world);
  });

  it("brings no key back that an erasure removed meanwhile", async () => {
    const world = await setUp(5);
    const erasing: RecordStore = {
      ...world.records,
      async replace(name, change) {
        if (name === "data-key:3") await world.records.remove(name);
        return world.records.replace(name, change);
      },
    };
    expect(await rewrap(erasing)).toMatchObject({ rewrapped: 5, current: 0 });
    expect(world.records.entries.has("data-key:3")).toBe(false);
  });

  it("rewraps what a gateway with the older key wrote between its look and its write", async () => {
    const world = await setUp(2);
    let isFirst = true;
    const replaced = randomKey();
    const busy: RecordStore = {
      ...world.records,
      async replace(name, change) {
        if (name === "data-key:1" && isFirst) {
          isFirst = false;
          world.keys.set(name, replaced);
          world.records.entries.set(name, await createLocalKeyring([old]).wrap(name, replaced));
        }
        return world.records.replace(name, change);
      },
    };
    expect(await rewrap(busy)).toMatchObject({ rewrapped: 3 });
    await expectAllUnder(onlyFresh, world);
  });

  it("leaves what it cannot open as it is, and names the master key that it would need", async () => {
    const world = await setUp(4);
    const { entries } = world.records;
    entries.set("data-key:0", await createLocalKeyring([{ id: "lost", key: randomKey() }]).wrap("x", randomKey()));
    entries.set("data-key:1", flipBit(entries.get("data-key:1") ?? Buffer.alloc(0), 100));
    entries.set("data-key:2", Buffer.from("not a wrapped key"));
    const before = new Map(entries);
    const report = await rewrap(world.records);
    expect(report).toMatchObject({ rewrapped: 2, current: 0 });
    expect(report.unreadable).toEqual(
      new Map([
        ["lost", 1],
        ["old", 1],
        ["", 1],
      ]),
    );
    for (const owner of [0, 1, 2]) expect(entries.get(`data-key:${owner}`)).toEqual(before.get(`data-key:${owner}`));
  });

  it("stops when the store is gone, and a second try finishes what was left", async () => {
    const world = await setUp(OWNERS);
    let writes = 0;
    const failing: RecordStore = {
      ...world.records,
      async replace(name, change) {
        writes += 1;
        if (writes > 120) throw new GatewayError("store_unavailable", "gone");
        return world.records.replace(name, change);
      },
    };
    await expect(rewrap(failing)).rejects.toMatchObject({ code: "store_unavailable" });
    const { rewrapped, current } = await rewrap(world.records);
    expect({ all: rewrapped + current, hadBegun: current >= 100 }).toEqual({ all: OWNERS + 1, hadBegun: true });
    await expectAllUnder(onlyFresh, world);
  });

  it("is done again until nothing is left to do, and says when somebody keeps wrapping with the older key", async () => {
    const world = await setUp(2);
    const oldOnly = createLocalKeyring([old]);
    const withLateKeys = (count: number): RecordStore => {
      const late = Array.from({ length: count }, (_, index) => `data-key:late-${index}`);
      return {
        ...world.records,
        async list(prefix, page) {
          const rows = await world.records.list(prefix, page);
          const name = prefix === "root-secret" ? late.pop() : undefined;
          if (name) world.records.entries.set(name, await oldOnly.wrap(name, randomKey()));
          return rows;
        },
      };
    };
    const settle = (records: RecordStore) =>
      rewrapUntilSettled({ records, keyring: rotated, onProgress: () => undefined });
    expect(await settle(withLateKeys(2))).toMatchObject({ rewrapped: 5, current: 5, isSettled: true });
    expect(await settle(withLateKeys(9))).toMatchObject({ isSettled: false });
    expect(await settle(world.records)).toMatchObject({ rewrapped: 0, isSettled: true });
  });
});
