import { describe, expect, it } from "vitest";

import { uniqueName } from "../support/store-commits.ts";
import { openForSuite, type StoreSuiteOptions } from "./store-harness.ts";

const LONG_MS = 60_000;
/** Short, because with some servers a test truly waits for it. */
const SHORT_MS = 60;

/** Every promise of `LeaseStore`, as a test. */
export function describeLeaseStore(name: string, { open }: StoreSuiteOptions): void {
  describe(`lease store: ${name}`, () => {
    const tested = openForSuite(open);

    it("of many who ask at once, one holds the lease", async () => {
      const lease = uniqueName("lease");
      const holders = Array.from({ length: 20 }, (_, index) => `replica-${index}`);
      const answers = await Promise.all(
        holders.map((holder) => tested().backend.leases.acquire(lease, holder, LONG_MS)),
      );
      expect(answers.filter(Boolean)).toHaveLength(1);
    });

    it("a released lease is free", async () => {
      const { leases } = tested().backend;
      const lease = uniqueName("lease");
      expect(await leases.acquire(lease, "a", LONG_MS)).toBe(true);
      expect(await leases.acquire(lease, "b", LONG_MS)).toBe(false);
      await leases.release(lease, "a");
      expect(await leases.acquire(lease, "b", LONG_MS)).toBe(true);
    });

    it("only its holder releases a lease", async () => {
      const { leases } = tested().backend;
      const lease = uniqueName("lease");
      await leases.acquire(lease, "a", LONG_MS);
      await leases.release(lease, "b");
      expect(await leases.acquire(lease, "b", LONG_MS)).toBe(false);
      await leases.release(uniqueName("lease"), "a");
    });

    it("a lease that ran out is free, and its old holder cannot release the new one's", async () => {
      const { leases } = tested().backend;
      const lease = uniqueName("lease");
      expect(await leases.acquire(lease, "a", SHORT_MS)).toBe(true);
      await tested().elapse(SHORT_MS);
      expect(await leases.acquire(lease, "b", LONG_MS)).toBe(true);
      await leases.release(lease, "a");
      expect(await leases.acquire(lease, "c", LONG_MS)).toBe(false);
    });

    it("holding a lease does not renew it by asking again", async () => {
      const { leases } = tested().backend;
      const lease = uniqueName("lease");
      await leases.acquire(lease, "a", LONG_MS);
      expect(await leases.acquire(lease, "a", LONG_MS)).toBe(false);
    });
  });
}
