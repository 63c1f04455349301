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
    expect(made.symmetricKeySize).toBe(32);
    const opened = await openRootSecret({ records, keyring, mayCreate: false });
    expect(opened.equals(made)).toBe(true);
    expect(records.entries.size).toBe(1);
    for (const bytes of records.entries.values()) expect(bytes.includes(made.export())).toBe(false);
  });

  it("differs from store to store", async () => {
    const keyring = keyringOf("main");
    const one = await openRootSecret({ records: createMemoryRecordStore(), keyring, mayCreate: true });
    const other = await openRootSecret({ records: createMemoryRecordStore(), keyring, mayCreate: true });
    expect(one.equals(other)).toBe(false);
  });

  it("is one and the same for replicas that race to make it", async () => {
    const records = createMemoryRecordStore();
    const keyring = keyringOf("main");
    const open = () => openRootSecret({ records, keyring, mayCreate: true });
    const [first, ...others] = await Promise.all([open(), open(), open()]);
    for (const other of others) expect(other.equals(first)).toBe(true);
    expect((await open()).equals(first)).toBe(true);
  });

  it("survives a change of the primary master key", async () => {
    const records = createMemoryRecordStore();
    const old = { id: "old", key: randomKey() };
    const made = await openRootSecret({ records, keyring: createLocalKeyring([old]), mayCreate: true });
    const rotated = createLocalKeyring([{ id: "fresh", key: randomKey() }, old]);
    expect((await openRootSecret({ records, keyring: rotated, mayCreate: true })).equals(made)).toBe(true);
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
