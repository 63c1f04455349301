import { describe, expect, it } from "vitest";

import { createLocalKeyring } from "../../../src/sealing/local-keyring.ts";
import { openRootSecret } from "../../../src/sealing/root-secret.ts";
import { createMemoryRecordStore } from "../../support/memory-record-store.ts";
import { keyringOf, randomKey } from "./sealing-fixtures.ts";

describe("the root secret", () => {
  it("is made once and rests wrapped", async () => {
    const records = createMemoryRecordStore();
    const keyring = keyringOf("main");
    const made = await openRootSecret({ records, keyring, mayCreate: true });
    expect(made.key.symmetricKeySize).toBe(32);
    const opened = await openRootSecret({ records, keyring, mayCreate: false });
    expect(opened.key.equals(made.key)).toBe(true);
    expect([...records.entries]).toEqual([["root-secret", made.wrapped]]);
    expect(made.wrapped.includes(made.key.export())).toBe(false);
  });

  it("differs from store to store", async () => {
    const keyring = keyringOf("main");
    const one = await openRootSecret({ records: createMemoryRecordStore(), keyring, mayCreate: true });
    const other = await openRootSecret({ records: createMemoryRecordStore(), keyring, mayCreate: true });
    expect(one.key.equals(other.key)).toBe(false);
  });

  it("is one and the same for replicas that race to make it", async () => {
    const records = createMemoryRecordStore();
    const keyring = keyringOf("main");
    const open = () => openRootSecret({ records, keyring, mayCreate: true });
    const [first, ...others] = await Promise.all([open(), open(), open()]);
    for (const other of others) expect(other.key.equals(first.key)).toBe(true);
    expect((await open()).key.equals(first.key)).toBe(true);
  });

  it("survives a change of the primary master key", async () => {
    const records = createMemoryRecordStore();
    const old = { id: "old", key: randomKey() };
    const made = await openRootSecret({ records, keyring: createLocalKeyring([old]), mayCreate: true });
    const rotated = createLocalKeyring([{ id: "fresh", key: randomKey() }, old]);
    expect((await openRootSecret({ records, keyring: rotated, mayCreate: true })).key.equals(made.key)).toBe(true);
  });

  it("that no master key opens is refused by the name of its key, and never replaced", async () => {
    const records = createMemoryRecordStore();
    await openRootSecret({ records, keyring: keyringOf("lost-key"), mayCreate: true });
    const before = [...records.entries];
    await expect(openRootSecret({ records, keyring: keyringOf("other"), mayCreate: true })).rejects.toMatchObject({
      code: "record_unreadable",
      message: expect.stringContaining('"lost-key"'),
    });
    expect([...records.entries]).toEqual(before);
  });

  it("is refused to a replica that lost the race to one with another master key", async () => {
    const records = createMemoryRecordStore();
    const open = (id: string) => openRootSecret({ records, keyring: keyringOf(id), mayCreate: true });
    const [winner, loser] = await Promise.allSettled([open("east"), open("west")]);
    expect(winner.status).toBe("fulfilled");
    expect(loser).toMatchObject({ status: "rejected", reason: { code: "record_unreadable" } });
  });

  it("is not made where none may be made", async () => {
    const records = createMemoryRecordStore();
    await expect(openRootSecret({ records, keyring: keyringOf("main"), mayCreate: false })).rejects.toMatchObject({
      code: "record_unreadable",
    });
    expect(records.entries.size).toBe(0);
  });
});
