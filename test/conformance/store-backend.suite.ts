import { describe, expect, it } from "vitest";

import type { StoreBackend } from "../../src/store/store-backend.ts";
import { auditRowOf } from "../support/audit-rows.ts";
import { followUpOf, HOUR_MS, openingOf, uniqueName } from "../support/store-commits.ts";
import { describeAuditStore } from "./audit-store.suite.ts";
import { describeLeaseStore } from "./lease-store.suite.ts";
import { describeNoticeStore } from "./notice-store.suite.ts";
import { describeQuotaStore } from "./quota-store.suite.ts";
import { describeRecordStore } from "./record-store.suite.ts";
import { describeSessionOwners } from "./session-owner.suite.ts";
import { describeSessionScan } from "./session-scan.suite.ts";
import { describeSessionStore } from "./session-store.suite.ts";
import type { StoreSuiteOptions } from "./store-harness.ts";

/** All that a backend promises: the six contracts, and its own end. */
export function describeStoreBackend(name: string, options: StoreSuiteOptions): void {
  describeSessionStore(name, options);
  describeSessionOwners(name, options);
  describeSessionScan(name, options);
  describeRecordStore(name, options);
  describeLeaseStore(name, options);
  describeQuotaStore(name, options);
  describeNoticeStore(name, options);
  describeAuditStore(name, options);

  describe(`store backend: ${name}`, () => {
    it("answers a ping while it is open", async () => {
      const { backend, cleanUp } = await options.open();
      await expect(backend.ping()).resolves.toBeUndefined();
      await backend.close();
      await cleanUp?.();
    });

    it("writes that were accepted before close are acknowledged", async () => {
      const { backend, now, cleanUp } = await options.open();
      const fields = { owner: uniqueName("owner"), createdAt: now(), expiresAt: now() + HOUR_MS, loadFrom: 0 };
      const commits = Array.from({ length: 20 }, () => backend.sessions.commit(openingOf(uniqueName("s"), fields)));
      const closed = backend.close();
      expect(await Promise.all(commits)).toEqual(commits.map(() => ({ committed: true })));
      await closed;
      await cleanUp?.();
    });

    it("can be closed twice, and after that every call rejects with store_unavailable", async () => {
      const { backend, now, cleanUp } = await options.open();
      await Promise.all([backend.close(), backend.close()]);
      await backend.close();
      for (const call of everyCall(backend, now())) {
        await expect(call()).rejects.toMatchObject({ name: "GatewayError", code: "store_unavailable" });
      }
      await cleanUp?.();
    });
  });
}

/** Every method of a backend, for proofs that they all fail alike. */
export function everyCall(backend: StoreBackend, now: number): (() => Promise<unknown>)[] {
  const { sessions, records, leases, quotas, notices, audit } = backend;
  const fields = { owner: uniqueName("owner"), createdAt: now, expiresAt: now + HOUR_MS, loadFrom: 0 };
  const opening = openingOf(uniqueName("session"), fields);
  return [
    () => sessions.load(opening.key),
    () => sessions.load(opening.key, { revision: opening.revision, sequence: 0 }),
    () => sessions.readTurns(opening.key, 0, 9),
    () => sessions.commit(opening),
    () => sessions.commit(followUpOf(opening)),
    () => sessions.remove(opening.key),
    () => sessions.list(fields.owner, { limit: 9, order: "desc" }),
    () => sessions.count(fields.owner, 9),
    () => sessions.removeOwner(fields.owner),
    () => sessions.scan(undefined),
    () => records.read("name"),
    () => records.putIfAbsent("name", Buffer.from("bytes")),
    () => records.putIfAbsent("name", Buffer.from("bytes"), now + HOUR_MS),
    () => records.replace("name", { expected: Buffer.from("bytes"), bytes: Buffer.from("other") }),
    () => records.remove("name"),
    () => records.list("na", { limit: 9 }),
    () => leases.acquire("name", "holder", 1_000),
    () => leases.release("name", "holder"),
    () => quotas.take("name", { startsAt: now, endsAt: now + 1_000, limit: 9 }, 1),
    () => quotas.hold("name", "holder", { count: 1, limit: 9, ttlMs: 1_000 }),
    () => quotas.forget("name"),
    () => notices.post("notice"),
    () => notices.read(undefined),
    () => notices.read("0"),
    () => audit.append([auditRowOf({ at: now })]),
    () => audit.chains(),
    () => audit.read(auditRowOf().chain, { from: 0, limit: 9 }),
    () => audit.latest({ limit: 9 }),
    () => backend.ping(),
  ];
}
