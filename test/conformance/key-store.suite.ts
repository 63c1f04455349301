import { randomBytes } from "node:crypto";

import { afterAll, beforeAll, describe, expect } from "vitest";

import { uniqueName } from "../support/store-commits.ts";
import { createRules, type StoreSuiteOptions, type StoreUnderTest } from "./store-harness.ts";

/** Every promise of `KeyStore`, as a test. */
export function describeKeyStore(name: string, { open, exemptions }: StoreSuiteOptions): void {
  describe(`key store: ${name}`, () => {
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
      expect(await tested.backend.keys.read(uniqueName("key"))).toBeUndefined();
    });

    rule("the first writer's bytes stay for ever", async () => {
      const { keys } = tested.backend;
      const key = uniqueName("key");
      const first = randomBytes(200);
      expect(await keys.putIfAbsent(key, first)).toEqual(first);
      expect(await keys.putIfAbsent(key, randomBytes(200))).toEqual(first);
      expect(await keys.read(key)).toEqual(first);
    });

    rule("of racing writers all get the winner's bytes", async () => {
      const { keys } = tested.backend;
      const key = uniqueName("key");
      const held = await Promise.all(Array.from({ length: 20 }, () => keys.putIfAbsent(key, randomBytes(32))));
      const winner = await keys.read(key);
      expect(winner).toBeDefined();
      for (const bytes of held) expect(bytes).toEqual(winner);
    });

    rule("keys outlive sessions", async () => {
      const key = uniqueName("key");
      await tested.backend.keys.putIfAbsent(key, Buffer.from("kept"));
      await tested.elapse(10 * 365 * 24 * 3_600_000);
      expect((await tested.backend.keys.read(key))?.toString()).toBe("kept");
    });

    rule("hostile names are names like any other", async () => {
      const { keys } = tested.backend;
      const suffix = uniqueName("");
      const names = ["*", "'; DROP TABLE keys; --", "nul\0", "日本🙂", "{a}", "a:b", "__proto__"].map(
        (n) => n + suffix,
      );
      for (const key of names) await keys.putIfAbsent(key, Buffer.from(key));
      for (const key of names) expect((await keys.read(key))?.toString()).toBe(key);
    });
    assertAllUsed();
  });
}
