import { describe, expect, it } from "vitest";

import { loginName, loginsOf } from "../../../src/identity/login-names.ts";
import { createMemoryBackend } from "../../../src/store/memory/memory-backend.ts";
import type { StoreBackend } from "../../../src/store/store-backend.ts";
import { storeUnavailable } from "../../../src/store/store-unavailable.ts";
import { linksOf } from "../../../src/turn/session-links.ts";
import { eraseUser, type ErasureParts } from "../../../src/users/erase-user.ts";
import { erasurePlaces } from "../../../src/users/erasure-places.ts";
import { HOUR_MS, openingOf, writeTurns } from "../../support/store-commits.ts";

const OWNER = "owner-that-goes";
const NEIGHBOUR = "owner-that-goes-not";
const now = 1_700_000_000_000;

/** Fails one call of all that are made, before it is done or after: then only its reply is lost. */
interface Fault {
  readonly at: number;
  readonly kind: "refused" | "reply lost";
}

function failing<T extends object>(store: T, count: { calls: number }, fault: Fault | undefined): T {
  return new Proxy(store, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return async (...given: unknown[]): Promise<unknown> => {
        count.calls += 1;
        const fails = count.calls === fault?.at;
        if (fails && fault.kind === "refused") throw storeUnavailable("broken by a test");
        const result: unknown = await Reflect.apply(method, target, given);
        if (fails) throw storeUnavailable("the reply was lost by a test");
        return result;
      };
    },
  });
}

async function fill({ sessions, records }: StoreBackend, owner: string): Promise<void> {
  for (let index = 0; index < 3; index += 1) {
    const fields = { owner, createdAt: now, expiresAt: now + HOUR_MS, loadFrom: 0 };
    await writeTurns(sessions, openingOf(`${owner}-${index}`, fields), 2);
  }
  await records.putIfAbsent(`data-key:${owner}`, Buffer.from("wrapped"));
  for (let index = 0; index < 2; index += 1) {
    await records.putIfAbsent(`${linksOf(owner)}${index}`, Buffer.from("link"));
    await records.putIfAbsent(`${loginsOf(owner)}${owner}-${index}`, Buffer.alloc(1));
    await records.putIfAbsent(loginName(`${owner}-${index}`), Buffer.from("login"));
  }
}

async function leftOf({ sessions, records }: StoreBackend, owner: string): Promise<string[]> {
  const names = (await records.list("", { limit: 100 })).map(({ name }) => name);
  const rows = await sessions.list(owner, { limit: 100, order: "asc" });
  return [...names.filter((name) => name.includes(owner)), ...rows.map(({ key }) => key)];
}

function partsOver(store: StoreBackend, count: { calls: number }, fault?: Fault): ErasureParts {
  const sessions = failing(store.sessions, count, fault);
  const records = failing(store.records, count, fault);
  const audit = { record: () => undefined, flush: async () => undefined, close: async () => undefined };
  return {
    records,
    notices: failing(store.notices, count, fault),
    audit: { ...audit, flush: failing({ flush: audit.flush }, count, fault).flush },
    clock: () => now,
    places: erasurePlaces(sessions, records),
    forget: () => undefined,
    forgetLimits: failing({ forget: store.quotas.forget }, count, fault).forget,
    sign: (receipt) => ({ receipt, publicKey: "", signature: "" }),
  };
}

async function openFilled(): Promise<StoreBackend> {
  const store = createMemoryBackend({ clock: () => now });
  await fill(store, OWNER);
  await fill(store, NEIGHBOUR);
  return store;
}

describe("an erasure", () => {
  it("counts what it removed, place by place, and leaves others alone", async () => {
    const store = await openFilled();
    const { receipt } = await eraseUser(partsOver(store, { calls: 0 }), OWNER);
    expect(receipt["counts"]).toEqual({ data_keys: 1, sessions: 3, session_links: 2, logins: 2 });
    expect((await leftOf(store, OWNER)).filter((name) => !name.includes(NEIGHBOUR))).toEqual([]);
    expect(await leftOf(store, NEIGHBOUR)).toHaveLength(1 + 2 + 4 + 3);
  });

  it("destroys the key before anything else", async () => {
    const store = await openFilled();
    const first = { at: 2, kind: "refused" } as const;
    await expect(eraseUser(partsOver(store, { calls: 0 }, first), OWNER)).rejects.toMatchObject({
      code: "store_unavailable",
    });
    expect(await store.records.read(`data-key:${OWNER}`)).toBeUndefined();
    expect(await store.sessions.count(OWNER, 100)).toBe(3);
  });

  it("tells every replica, before it removes what they could still read", async () => {
    const store = await openFilled();
    const { cursor } = await store.notices.read(undefined);
    const sessions = { ...store.sessions, removeOwner: () => Promise.reject(storeUnavailable("not yet")) };
    const places = erasurePlaces(sessions, store.records);
    await expect(eraseUser({ ...partsOver(store, { calls: 0 }), places }, OWNER)).rejects.toThrow("not yet");
    expect((await store.notices.read(cursor)).notices).toEqual([`erased ${OWNER}`]);
  });

  it("says that it is done only when nothing is left, whichever call fails, and converges when it is repeated", async () => {
    const whole = { calls: 0 };
    await eraseUser(partsOver(await openFilled(), whole), OWNER);
    let failures = 0;
    for (const kind of ["refused", "reply lost"] as const) {
      for (let at = 1; at <= whole.calls; at += 1) {
        const store = await openFilled();
        const broken = eraseUser(partsOver(store, { calls: 0 }, { at, kind }), OWNER);
        await expect(broken, `${kind} at ${at}`).rejects.toMatchObject({ code: "store_unavailable" });
        failures += 1;
        await eraseUser(partsOver(store, { calls: 0 }), OWNER);
        expect((await leftOf(store, OWNER)).filter((name) => !name.includes(NEIGHBOUR))).toEqual([]);
        expect(await leftOf(store, NEIGHBOUR)).toHaveLength(10);
      }
    }
    process.stdout.write(`erasure: ${failures} failed calls of ${whole.calls}, 0 said done too early, all converge\n`);
    expect(failures).toBeGreaterThan(20);
  });
});
