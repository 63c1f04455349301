import { afterEach, describe, expect, it, vi } from "vitest";

import { createLocalKeyring } from "../../../src/sealing/local-keyring.ts";
import { openRootSecret } from "../../../src/sealing/root-secret.ts";
import { type RootSecretWatch, watchRootSecret } from "../../../src/sealing/watch-root-secret.ts";
import { createMemoryRecordStore } from "../../support/memory-record-store.ts";
import { createRecordedLog } from "../../support/store-log.ts";
import { randomKey } from "./sealing-fixtures.ts";

const NAME = "root-secret";
const old = { id: "old", key: randomKey() };
const fresh = { id: "fresh", key: randomKey() };
const keyring = createLocalKeyring([old]);

const watches: RootSecretWatch[] = [];
afterEach(() => {
  for (const watch of watches.splice(0)) watch.close();
});

async function watchOne(watching = keyring) {
  const records = createMemoryRecordStore();
  const rootSecret = await openRootSecret({ records, keyring, mayCreate: true });
  const { log, events } = createRecordedLog();
  const onLost = vi.fn<() => Promise<void>>(async () => undefined);
  const onReplaced = vi.fn();
  const watch = watchRootSecret({ records, keyring: watching, rootSecret, log, onLost, onReplaced });
  watches.push(watch);
  const looks = async (times: number): Promise<void> => {
    for (let time = 0; time < times; time += 1) await watch.look();
  };
  return { records, rootSecret, events, onLost, onReplaced, looks };
}

describe("the watch over the root secret", () => {
  it("says nothing while the secret lies where it was", async () => {
    const { events, onLost, onReplaced, looks } = await watchOne();
    await looks(5);
    expect([events, onLost.mock.calls, onReplaced.mock.calls]).toEqual([[], [], []]);
  });

  it("puts a lost one back, and says so once for each loss", async () => {
    const { records, rootSecret, events, onLost, looks } = await watchOne();
    for (const losses of [1, 2]) {
      records.entries.clear();
      await looks(3);
      expect(records.entries.get(NAME)).toEqual(rootSecret.wrapped);
      expect([events, onLost.mock.calls.length]).toEqual([Array.from({ length: losses }, () => "store_lost"), losses]);
    }
  });

  it("does not put it back before the others are told, and tries again until they are", async () => {
    const { records, onLost, events, looks } = await watchOne();
    onLost.mockRejectedValueOnce(new Error("the store is away"));
    records.entries.clear();
    await looks(1);
    expect([records.entries.size, events]).toEqual([0, []]);
    await looks(1);
    expect([records.entries.size, events]).toEqual([1, ["store_lost"]]);
  });

  it("puts back what a rotation of the master keys made of it", async () => {
    const { records, rootSecret, events, looks } = await watchOne(createLocalKeyring([fresh, old]));
    const rewrapped = await createLocalKeyring([fresh]).wrap(NAME, rootSecret.key);
    records.entries.set(NAME, rewrapped);
    await looks(2);
    expect(events).toEqual([]);
    records.entries.clear();
    await looks(1);
    expect(records.entries.get(NAME)).toEqual(rewrapped);
  });

  it("tells once that another one lies there, and leaves it alone", async () => {
    const { records, events, onLost, onReplaced, looks } = await watchOne();
    const other = await keyring.wrap(NAME, randomKey());
    records.entries.set(NAME, other);
    await looks(3);
    expect(records.entries.get(NAME)).toEqual(other);
    expect([events, onLost.mock.calls, onReplaced.mock.calls]).toEqual([["root_secret_replaced"], [], [[]]]);
  });

  it("takes the winner's when another gateway was quicker after a loss", async () => {
    const { records, onLost, onReplaced, looks } = await watchOne();
    const other = await keyring.wrap(NAME, randomKey());
    onLost.mockImplementationOnce(async () => void records.entries.set(NAME, other));
    records.entries.clear();
    await looks(1);
    expect(records.entries.get(NAME)).toEqual(other);
    expect(onReplaced).toHaveBeenCalledOnce();
  });

  it("names one that it cannot open once, and does not end for it", async () => {
    const { records, events, onReplaced, looks } = await watchOne();
    records.entries.set(NAME, await createLocalKeyring([fresh]).wrap(NAME, randomKey()));
    await looks(3);
    expect([events, onReplaced.mock.calls]).toEqual([["root_secret_unreadable"], []]);
  });
});
