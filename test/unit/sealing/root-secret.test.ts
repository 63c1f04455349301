import { describe, expect, it } from "vitest";

import { createKeyring } from "../../../src/sealing/keyring.ts";
import { openRootSecret } from "../../../src/sealing/root-secret.ts";
import { createMemoryKeyStore } from "../../support/memory-key-store.ts";
import { keyringOf, randomKey } from "./sealing-fixtures.ts";

describe("the root secret", () => {
  it("is made once and rests wrapped", async () => {
    const keys = createMemoryKeyStore();
    const keyring = keyringOf("main");
    const made = await openRootSecret({ keys, keyring, mayCreate: true });
    expect(made.symmetricKeySize).toBe(32);
    const opened = await openRootSecret({ keys, keyring, mayCreate: false });
    expect(opened.equals(made)).toBe(true);
    expect(keys.entries.size).toBe(1);
    for (const bytes of keys.entries.values()) expect(bytes.includes(made.export())).toBe(false);
  });

  it("differs from store to store", async () => {
    const keyring = keyringOf("main");
    const one = await openRootSecret({ keys: createMemoryKeyStore(), keyring, mayCreate: true });
    const other = await openRootSecret({ keys: createMemoryKeyStore(), keyring, mayCreate: true });
    expect(one.equals(other)).toBe(false);
  });

  it("is one and the same for replicas that race to make it", async () => {
    const keys = createMemoryKeyStore();
    const keyring = keyringOf("main");
    const open = () => openRootSecret({ keys, keyring, mayCreate: true });
    const [first, ...others] = await Promise.all([open(), open(), open()]);
    for (const other of others) expect(other.equals(first)).toBe(true);
    expect((await open()).equals(first)).toBe(true);
  });

  it("survives a change of the primary master key", async () => {
    const keys = createMemoryKeyStore();
    const old = { id: "old", key: randomKey() };
    const made = await openRootSecret({ keys, keyring: createKeyring([old]), mayCreate: true });
    const rotated = createKeyring([{ id: "fresh", key: randomKey() }, old]);
    expect((await openRootSecret({ keys, keyring: rotated, mayCreate: true })).equals(made)).toBe(true);
  });

  it("that no master key opens is refused by the name of its key, and never replaced", async () => {
    const keys = createMemoryKeyStore();
    await openRootSecret({ keys, keyring: keyringOf("lost-key"), mayCreate: true });
    const before = [...keys.entries];
    await expect(openRootSecret({ keys, keyring: keyringOf("other"), mayCreate: true })).rejects.toMatchObject({
      code: "record_unreadable",
      message: expect.stringContaining('"lost-key"'),
    });
    expect([...keys.entries]).toEqual(before);
  });

  it("is refused to a replica that lost the race to one with another master key", async () => {
    const keys = createMemoryKeyStore();
    const open = (id: string) => openRootSecret({ keys, keyring: keyringOf(id), mayCreate: true });
    const [winner, loser] = await Promise.allSettled([open("east"), open("west")]);
    expect(winner.status).toBe("fulfilled");
    expect(loser).toMatchObject({ status: "rejected", reason: { code: "record_unreadable" } });
  });

  it("is not made where none may be made", async () => {
    const keys = createMemoryKeyStore();
    await expect(openRootSecret({ keys, keyring: keyringOf("main"), mayCreate: false })).rejects.toMatchObject({
      code: "record_unreadable",
    });
    expect(keys.entries.size).toBe(0);
  });
});
