import { describe, expect, it } from "vitest";

import type { QuotaStore, QuotaWindow } from "../../src/store/quota-store.ts";
import { uniqueName } from "../support/store-commits.ts";
import { openForSuite, type StoreSuiteOptions } from "./store-harness.ts";

const MINUTE_MS = 60_000;

interface Subject {
  readonly store: () => QuotaStore;
  readonly elapse: (ms: number) => Promise<void>;
  /** A window of a minute that has just begun. */
  readonly window: (limit: number) => QuotaWindow;
}

/** Every promise of `QuotaStore`, as a test. */
export function describeQuotaStore(name: string, { open }: StoreSuiteOptions): void {
  describe(`quota store: ${name}`, () => {
    const tested = openForSuite(open);
    const subject: Subject = {
      store: () => tested().backend.quotas,
      elapse: (ms) => tested().elapse(ms),
      window: (limit) => ({ startsAt: tested().now(), endsAt: tested().now() + MINUTE_MS, limit }),
    };
    describe("windows", () => windowRules(subject));
    describe("places", () => placeRules(subject));
    describe("names", () => nameRules(subject));
  });
}

function windowRules({ store, elapse, window }: Subject): void {
  it("of 64 who take at once, all together get the limit and not one more", async () => {
    const quota = uniqueName("quota");
    const minute = window(100);
    const grants = await Promise.all(Array.from({ length: 64 }, () => store().take(quota, minute, 3)));
    expect(grants.reduce((sum, { granted }) => sum + granted, 0)).toBe(100);
    expect(Math.max(...grants.map(({ used }) => used))).toBe(100);
    expect(await store().take(quota, minute, 1)).toEqual({ granted: 0, used: 100 });
  });

  it("who asks for more than is left gets what is left", async () => {
    const quota = uniqueName("quota");
    const minute = window(10);
    expect(await store().take(quota, minute, 7)).toEqual({ granted: 7, used: 7 });
    expect(await store().take(quota, minute, 7)).toEqual({ granted: 3, used: 10 });
  });

  it("one may look without taking", async () => {
    const quota = uniqueName("quota");
    const minute = window(10);
    expect(await store().take(quota, minute, 0)).toEqual({ granted: 0, used: 0 });
    await store().take(quota, minute, 4);
    expect(await store().take(quota, minute, 0)).toEqual({ granted: 0, used: 4 });
  });

  it("each window and each name has a budget of its own", async () => {
    const [mine, theirs] = [uniqueName("quota"), uniqueName("quota")];
    const minute = window(5);
    const next = { ...minute, startsAt: minute.endsAt, endsAt: minute.endsAt + MINUTE_MS };
    await store().take(mine, minute, 5);
    expect(await store().take(theirs, minute, 5)).toEqual({ granted: 5, used: 5 });
    expect(await store().take(mine, next, 2)).toEqual({ granted: 2, used: 2 });
    expect(await store().take(mine, minute, 1)).toEqual({ granted: 0, used: 5 });
  });

  it("a limit that was lowered grants nothing, one that was raised grants the difference", async () => {
    const quota = uniqueName("quota");
    const minute = window(10);
    await store().take(quota, minute, 8);
    expect(await store().take(quota, { ...minute, limit: 5 }, 1)).toEqual({ granted: 0, used: 8 });
    expect(await store().take(quota, { ...minute, limit: 12 }, 9)).toEqual({ granted: 4, used: 12 });
  });

  it("a replica whose clock is behind still finds a window that has ended", async () => {
    const quota = uniqueName("quota");
    const minute = window(5);
    await store().take(quota, minute, 5);
    await elapse(MINUTE_MS + 5_000);
    await store().take(quota, window(5), 1);
    expect(await store().take(quota, minute, 1)).toEqual({ granted: 0, used: 5 });
  });

  it("counts beyond 32 bits stay exact", async () => {
    const quota = uniqueName("quota");
    const minute = window(2 ** 45);
    await store().take(quota, minute, 2 ** 44 + 1);
    expect(await store().take(quota, minute, 2 ** 45)).toEqual({ granted: 2 ** 44 - 1, used: 2 ** 45 });
  });
}

function placeRules({ store, elapse }: Subject): void {
  const places = (count: number, limit = 10, ttlMs = 1_000) => ({ count, limit, ttlMs });

  it("holders together have no more places than the limit", async () => {
    const quota = uniqueName("places");
    const holders = Array.from({ length: 20 }, (_, index) => `replica-${index}`);
    const held = await Promise.all(holders.map((holder) => store().hold(quota, holder, places(3))));
    expect(held.reduce((sum, count) => sum + count, 0)).toBe(10);
    expect(await store().hold(quota, "late", places(1))).toBe(0);
  });

  it("a holder sets how many places it has; it does not add to them", async () => {
    const quota = uniqueName("places");
    expect(await store().hold(quota, "a", places(6))).toBe(6);
    expect(await store().hold(quota, "a", places(8))).toBe(8);
    expect(await store().hold(quota, "b", places(8))).toBe(2);
    expect(await store().hold(quota, "a", places(1))).toBe(1);
    expect(await store().hold(quota, "b", places(20))).toBe(9);
  });

  it("giving them up frees them at once", async () => {
    const quota = uniqueName("places");
    await store().hold(quota, "a", places(10));
    expect(await store().hold(quota, "b", places(1))).toBe(0);
    expect(await store().hold(quota, "a", places(0))).toBe(0);
    expect(await store().hold(quota, "b", places(10))).toBe(10);
  });

  it("a holder that is not heard of loses its places, one that is keeps them", async () => {
    const quota = uniqueName("places");
    await store().hold(quota, "crashed", places(6));
    await store().hold(quota, "alive", places(4));
    await elapse(999);
    expect(await store().hold(quota, "late", places(10))).toBe(0);
    await store().hold(quota, "alive", places(4));
    await elapse(1);
    expect(await store().hold(quota, "late", places(10))).toBe(6);
    expect(await store().hold(quota, "crashed", places(6))).toBe(0);
  });

  it("a limit that was lowered takes places from whoever asks next", async () => {
    const quota = uniqueName("places");
    await store().hold(quota, "a", places(6));
    await store().hold(quota, "b", places(4));
    expect(await store().hold(quota, "a", places(6, 7))).toBe(3);
    expect(await store().hold(quota, "a", places(6, 2))).toBe(0);
  });
}

function nameRules({ store, window }: Subject): void {
  const one = { count: 1, limit: 1, ttlMs: 1_000 };

  it("a forgotten name begins anew, and others go on", async () => {
    const [mine, theirs] = [uniqueName("quota"), uniqueName("quota")];
    const minute = window(3);
    for (const quota of [mine, theirs]) {
      await store().take(quota, minute, 3);
      await store().hold(quota, "a", one);
    }
    await store().forget(mine);
    await store().forget(mine);
    expect(await store().take(mine, minute, 3)).toEqual({ granted: 3, used: 3 });
    expect(await store().hold(mine, "b", one)).toBe(1);
    expect(await store().take(theirs, minute, 3)).toEqual({ granted: 0, used: 3 });
    expect(await store().hold(theirs, "b", one)).toBe(0);
  });

  it("hostile names and holders are like any other", async () => {
    const suffix = uniqueName("");
    const names = ["*", "'; DROP TABLE places; --", "nul\0", "日本🙂", "{a}", "a b", "__proto__"].map(
      (n) => n + suffix,
    );
    for (const quota of names) {
      expect(await store().take(quota, window(1), 1)).toEqual({ granted: 1, used: 1 });
      for (const holder of names) expect(await store().hold(quota, holder, { ...one, limit: 7 })).toBe(1);
      expect(await store().hold(quota, "late", { ...one, limit: 7 })).toBe(0);
    }
  });
}
