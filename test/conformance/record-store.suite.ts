import { randomBytes } from "node:crypto";

import { afterAll, beforeAll, describe, expect } from "vitest";

import { uniqueName } from "../support/store-commits.ts";
import { createRules, type StoreSuiteOptions, type StoreUnderTest } from "./store-harness.ts";

/** Every promise of `RecordStore`, as a test. */
export function describeRecordStore(name: string, { open, exemptions }: StoreSuiteOptions): void {
  describe(`record store: ${name}`, () => {
    let tested: StoreUnderTest;
    beforeAll(async () => {
      tested = await open();
    });
    afterAll(async () => {
      await tested.backend.close();
      await tested.cleanUp?.();
    });
    const { rule, assertAllUsed } = createRules(exemptions);

    rule("a name never written reads as undefined", async () => {
      expect(await tested.backend.records.read(uniqueName("key"))).toBeUndefined();
    });

    rule("the first writer's bytes stay for ever", async () => {
      const { records } = tested.backend;
      const key = uniqueName("key");
      const first = randomBytes(200);
      expect(await records.putIfAbsent(key, first)).toEqual(first);
      expect(await records.putIfAbsent(key, randomBytes(200))).toEqual(first);
      expect(await records.read(key)).toEqual(first);
    });

    rule("of racing writers all get the winner's bytes", async () => {
      const { records } = tested.backend;
      const key = uniqueName("key");
      const held = await Promise.all(Array.from({ length: 20 }, () => records.putIfAbsent(key, randomBytes(32))));
      const winner = await records.read(key);
      expect(winner).toBeDefined();
      for (const bytes of held) expect(bytes).toEqual(winner);
    });

    rule("keys outlive sessions", async () => {
      const key = uniqueName("key");
      await tested.backend.records.putIfAbsent(key, Buffer.from("kept"));
      await tested.elapse(10 * 365 * 24 * 3_600_000);
      expect((await tested.backend.records.read(key))?.toString()).toBe("kept");
    });

    rule("hostile names are names like any other", async () => {
      const { records } = tested.backend;
      const suffix = uniqueName("");
      const names = ["*", "'; DROP TABLE keys; --", "nul\0", "日本🙂", "{a}", "a:b", "__proto__"].map(
        (n) => n + suffix,
      );
      for (const key of names) await records.putIfAbsent(key, Buffer.from(key));
      for (const key of names) expect((await records.read(key))?.toString()).toBe(key);
    });
    assertAllUsed();
  });
}
