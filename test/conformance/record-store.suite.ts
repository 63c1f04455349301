import { randomBytes } from "node:crypto";

import { describe, expect, it } from "vitest";

import type { RecordStore } from "../../src/store/record-store.ts";
import { HOUR_MS, uniqueName } from "../support/store-commits.ts";
import { openForSuite, type StoreSuiteOptions } from "./store-harness.ts";

interface Subject {
  readonly store: () => RecordStore;
  readonly now: () => number;
  readonly elapse: (ms: number) => Promise<void>;
}

/** Every promise of `RecordStore`, as a test. */
export function describeRecordStore(name: string, { open }: StoreSuiteOptions): void {
  describe(`record store: ${name}`, () => {
    const tested = openForSuite(open);
    const subject: Subject = {
      store: () => tested().backend.records,
      now: () => tested().now(),
      elapse: (ms) => tested().elapse(ms),
    };
    describe("put", () => putRules(subject));
    describe("replace", () => replaceRules(subject));
    describe("expiry and removal", () => endRules(subject));
    describe("list", () => listRules(subject));
  });
}

function putRules({ store, elapse }: Subject): void {
  it("a name never written reads as undefined", async () => {
    expect(await store().read(uniqueName("key"))).toBeUndefined();
  });

  it("the first writer's bytes stay for ever", async () => {
    const key = uniqueName("key");
    const first = randomBytes(200);
    expect(await store().putIfAbsent(key, first)).toEqual(first);
    expect(await store().putIfAbsent(key, randomBytes(200))).toEqual(first);
    expect(await store().read(key)).toEqual(first);
  });

  it("of racing writers all get the winner's bytes", async () => {
    const key = uniqueName("key");
    const held = await Promise.all(Array.from({ length: 20 }, () => store().putIfAbsent(key, randomBytes(32))));
    const winner = await store().read(key);
    expect(winner).toBeDefined();
    for (const bytes of held) expect(bytes).toEqual(winner);
  });

  it("keys outlive sessions", async () => {
    const key = uniqueName("key");
    await store().putIfAbsent(key, Buffer.from("kept"));
    await elapse(10 * 365 * 24 * HOUR_MS);
    expect((await store().read(key))?.toString()).toBe("kept");
  });

  it("records of any size come back byte for byte, and are nobody's to change", async () => {
    for (const size of [0, 1, 63, 64, 65, 5_000, 300_000]) {
      const key = uniqueName("key");
      const bytes = randomBytes(size);
      const given = Buffer.from(bytes);
      const held = await store().putIfAbsent(key, given);
      given.fill(1);
      held.fill(2);
      (await store().read(key))?.fill(3);
      expect(await store().read(key)).toEqual(bytes);
    }
  });

  it("hostile names are names like any other", async () => {
    const suffix = uniqueName("");
    const names = ["*", "'; DROP TABLE keys; --", "nul\0", "日本🙂", "{a}", "a:b", "__proto__"].map((n) => n + suffix);
    for (const key of names) await store().putIfAbsent(key, Buffer.from(key));
    for (const key of names) expect((await store().read(key))?.toString()).toBe(key);
    for (const key of names) expect(await store().remove(key)).toBe(true);
    for (const key of names) expect(await store().read(key)).toBeUndefined();
  });
}

function replaceRules({ store, now, elapse }: Subject): void {
  it("a record is replaced by whoever knows what is there", async () => {
    const key = uniqueName("key");
    const [first, second] = [randomBytes(40), randomBytes(900)];
    await store().putIfAbsent(key, first);
    expect(await store().replace(key, { expected: second, bytes: second })).toBe(false);
    expect(await store().read(key)).toEqual(first);
    expect(await store().replace(key, { expected: first, bytes: second })).toBe(true);
    expect(await store().replace(key, { expected: first, bytes: second })).toBe(false);
    expect(await store().read(key)).toEqual(second);
    const prefixOnly = second.subarray(0, 899);
    expect(await store().replace(key, { expected: prefixOnly, bytes: first })).toBe(false);
  });

  it("nothing is put where nothing was to be replaced", async () => {
    const key = uniqueName("key");
    expect(await store().replace(key, { expected: Buffer.alloc(0), bytes: Buffer.from("b") })).toBe(false);
    expect(await store().read(key)).toBeUndefined();
    expect(await store().list(key, { limit: 9 })).toEqual([]);
  });

  it("of twenty who replace the same bytes, one does", async () => {
    const key = uniqueName("key");
    const expected = randomBytes(32);
    await store().putIfAbsent(key, expected);
    const rivals = Array.from({ length: 20 }, () => randomBytes(32));
    const answers = await Promise.all(rivals.map((bytes) => store().replace(key, { expected, bytes })));
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await store().read(key)).toEqual(rivals[answers.indexOf(true)]);
  });

  it("a replacement brings its own expiry, or none", async () => {
    const [shorter, forEver] = [uniqueName("key"), uniqueName("key")];
    const bytes = Buffer.from("bytes");
    await store().putIfAbsent(shorter, bytes);
    await store().putIfAbsent(forEver, bytes, now() + 1_000);
    expect(await store().replace(shorter, { expected: bytes, bytes, expiresAt: now() + 1_000 })).toBe(true);
    expect(await store().replace(forEver, { expected: bytes, bytes })).toBe(true);
    await elapse(1_000);
    expect(await store().read(shorter)).toBeUndefined();
    await elapse(24 * HOUR_MS);
    expect(await store().read(forEver)).toEqual(bytes);
  });
}

function endRules({ store, now, elapse }: Subject): void {
  it("a record ends at the millisecond of its expiry, for every method", async () => {
    const key = uniqueName("key");
    const bytes = Buffer.from("bytes");
    const expiresAt = now() + HOUR_MS;
    await store().putIfAbsent(key, bytes, expiresAt);
    await elapse(HOUR_MS - 1);
    expect(await store().read(key)).toEqual(bytes);
    expect(await store().list(key, { limit: 9 })).toEqual([{ name: key, bytes, expiresAt }]);
    await elapse(1);
    expect(await store().read(key)).toBeUndefined();
    expect(await store().list(key, { limit: 9 })).toEqual([]);
    expect(await store().replace(key, { expected: bytes, bytes })).toBe(false);
    expect(await store().remove(key)).toBe(false);
    const fresh = Buffer.from("fresh");
    expect(await store().putIfAbsent(key, fresh)).toEqual(fresh);
    await elapse(24 * HOUR_MS);
    expect(await store().read(key)).toEqual(fresh);
  });

  it("an expired record is written anew by one of those who race for it", async () => {
    const key = uniqueName("key");
    await store().putIfAbsent(key, Buffer.from("old"), now() + 1_000);
    await elapse(1_000);
    const expiresAt = now() + HOUR_MS;
    const held = await Promise.all(
      Array.from({ length: 20 }, () => store().putIfAbsent(key, randomBytes(16), expiresAt)),
    );
    for (const bytes of held) expect(bytes).toEqual(await store().read(key));
    expect(await store().list(key, { limit: 9 })).toHaveLength(1);
  });

  it("a removed record is gone, and the name is free", async () => {
    const key = uniqueName("key");
    await store().putIfAbsent(key, Buffer.from("old"));
    const answers = await Promise.all(Array.from({ length: 5 }, () => store().remove(key)));
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await store().read(key)).toBeUndefined();
    expect(await store().list(key, { limit: 9 })).toEqual([]);
    expect(await store().putIfAbsent(key, Buffer.from("new"))).toEqual(Buffer.from("new"));
    expect(await store().list(key, { limit: 9 })).toHaveLength(1);
  });

  it("what is put while others remove is listed if it is there", async () => {
    const prefix = uniqueName("race");
    const names = Array.from({ length: 20 }, (_, index) => `${prefix}-${index}`);
    for (const key of names) await store().putIfAbsent(key, Buffer.from("old"));
    await Promise.all(
      names.flatMap((key) => [store().remove(key), store().putIfAbsent(key, Buffer.from("new")), store().remove(key)]),
    );
    const there = await Promise.all(names.map(async (key) => ({ key, bytes: await store().read(key) })));
    const listed = await store().list(prefix, { limit: 99 });
    const expected = there.filter(({ bytes }) => bytes !== undefined).map(({ key }) => key);
    expect(new Set(listed.map(({ name: key }) => key))).toEqual(new Set(expected));
  });
}

function listRules({ store, now, elapse }: Subject): void {
  const put = async (names: readonly string[], expiresAt?: number): Promise<void> => {
    await Promise.all(names.map((key) => store().putIfAbsent(key, Buffer.from(`at ${key}`), expiresAt)));
  };
  const namesOf = async (prefix: string, after?: string, limit = 500): Promise<string[]> => {
    const page = await store().list(prefix, { limit, ...(after !== undefined && { after }) });
    return page.map(({ name: key }) => key);
  };

  it("names are listed in the order of their UTF-8 bytes, which is not that of JavaScript's strings", async () => {
    const prefix = uniqueName("order");
    const inOrder = ["", "\0", "\0\0", "!", "%", "*", "A", "_", "a", "a\0", "ab", "ü", "日", "\uFFFD", "\uFFFF", "🙂"];
    const names = inOrder.map((rest) => prefix + rest);
    await put(names.toReversed());
    const records = await store().list(prefix, { limit: 99 });
    expect(records).toEqual(names.map((key) => ({ name: key, bytes: Buffer.from(`at ${key}`) })));
  });

  it("a prefix is letters, never a pattern", async () => {
    const root = uniqueName("pattern");
    const prefixes = ["*", "?", "[a-z]", "%", "_", "\\", "(", "]", "\0", "🙂", "\u{10FFFF}", "é"].map((p) => root + p);
    await put(prefixes.flatMap((prefix) => [prefix, `${prefix}1`, `${prefix}2`]));
    await put([`${root}plain`, `${root}e`, root]);
    for (const prefix of prefixes) expect(await namesOf(prefix)).toEqual([prefix, `${prefix}1`, `${prefix}2`]);
  });

  it("pages of any size join to the whole list", async () => {
    const prefix = uniqueName("page");
    const names = Array.from({ length: 23 }, (_, index) => `${prefix}-${String(index).padStart(2, "0")}`);
    await put(names);
    await put([`${prefix.slice(0, -1)}`, `${prefix}.`, `${prefix}-`].map((key) => `${key}~other`));
    for (const limit of [1, 2, 5, 22, 23, 24]) {
      const joined: string[] = [];
      for (let page = await namesOf(`${prefix}-0`, undefined, limit); page.length > 0;) {
        joined.push(...page);
        page = await namesOf(`${prefix}-0`, joined.at(-1), limit);
      }
      expect(joined).toEqual(names.slice(0, 10));
    }
  });

  it("a cursor need not exist, nor start with the prefix", async () => {
    const prefix = uniqueName("cursor");
    const names = [`${prefix}a`, `${prefix}b`, `${prefix}c`];
    await put(names);
    await store().remove(`${prefix}b`);
    expect(await namesOf(prefix, `${prefix}b`)).toEqual([`${prefix}c`]);
    expect(await namesOf(prefix, `${prefix}a\0`)).toEqual([`${prefix}c`]);
    expect(await namesOf(prefix, "")).toEqual([`${prefix}a`, `${prefix}c`]);
    expect(await namesOf(prefix, "\u{10FFFF}")).toEqual([]);
  });

  it("a page is full although many before it are expired or removed", async () => {
    const prefix = uniqueName("gaps");
    const names = Array.from({ length: 300 }, (_, index) => `${prefix}-${String(index).padStart(3, "0")}`);
    await put(names.slice(0, 100), now() + 1_000);
    await put(names.slice(100));
    for (const key of names.slice(100, 200)) await store().remove(key);
    await elapse(1_000);
    expect(await namesOf(prefix, undefined, 50)).toEqual(names.slice(200, 250));
    expect(await namesOf(prefix)).toEqual(names.slice(200));
  });

  it("a listed record carries what was written last", async () => {
    const key = uniqueName("last");
    await store().putIfAbsent(key, Buffer.from("one"));
    await store().replace(key, { expected: Buffer.from("one"), bytes: Buffer.from("two") });
    expect(await store().list(key, { limit: 9 })).toEqual([{ name: key, bytes: Buffer.from("two") }]);
  });

  it("a listed record says when it expires, if it does", async () => {
    const prefix = uniqueName("ends");
    await store().putIfAbsent(`${prefix}-1`, Buffer.from("ends"), now() + 5_000);
    await store().putIfAbsent(`${prefix}-2`, Buffer.from("stays"));
    const [ends, stays] = await store().list(prefix, { limit: 9 });
    expect(ends).toEqual({ name: `${prefix}-1`, bytes: Buffer.from("ends"), expiresAt: now() + 5_000 });
    expect(stays).not.toHaveProperty("expiresAt");
  });
}
