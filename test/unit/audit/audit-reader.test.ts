import { describe, expect, it } from "vitest";

import { createAuditReader } from "../../../src/audit/audit-reader.ts";
import { auditWorld } from "./audit-fixtures.ts";

async function someEntries() {
  const world = auditWorld();
  await world.meet("alice");
  await world.meet("bob");
  const audit = world.openLog("full");
  for (let count = 0; count < 10; count += 1) {
    for (const owner of ["alice", "bob", "nobody"]) {
      audit.record({ event: "session_created", owner, address: `203.0.113.${count}` });
      world.clock.advance(1);
    }
  }
  audit.record({ event: "authz_fail" });
  await audit.close();
  return { world, reader: createAuditReader(world.backend.audit, world.sealerOf()) };
}

describe("the reader of the audit log", () => {
  it("shows one user's entries with their addresses, and nobody else's", async () => {
    const { reader } = await someEntries();
    const { entries, hasMore } = await reader.latest({ limit: 100, user: "alice" });
    expect(entries.map(({ address }) => address)).toEqual(
      Array.from({ length: 10 }, (_, index) => `203.0.113.${9 - index}`),
    );
    expect(new Set(entries.map(({ subject }) => subject)).size).toBe(1);
    expect(hasMore).toBe(false);
    const all = await reader.latest({ limit: 100 });
    expect(all.entries).toHaveLength(32);
    expect(all.entries.every(({ address }) => address === undefined)).toBe(true);
  });

  it("shows nothing of a user whose key is gone", async () => {
    const { world, reader } = await someEntries();
    await world.backend.records.remove("data-key:alice");
    expect(await reader.latest({ limit: 100, user: "alice" })).toEqual({
      entries: [],
      cursor: undefined,
      hasMore: false,
    });
  });

  it("looks at a bounded number of entries at a time, and goes on where it stopped", async () => {
    const world = auditWorld();
    const audit = world.openLog();
    audit.record({ event: "session_deleted" });
    await audit.flush();
    for (let count = 0; count < 7_000; count += 1) {
      if (count % 10 === 0) world.clock.advance(1);
      audit.record({ event: "session_renewed" });
    }
    await audit.close();
    const reader = createAuditReader(world.backend.audit, world.sealer);
    const first = await reader.latest({ limit: 5, event: "session_deleted" });
    expect(first).toMatchObject({ entries: [], hasMore: true });
    const second = await reader.latest({ limit: 5, event: "session_deleted", after: first.cursor });
    expect(second).toMatchObject({ entries: [{ event: "session_deleted" }], hasMore: false });
  });

  it("shows a row that it cannot read as what it is, with its neighbours", async () => {
    const { world, reader } = await someEntries();
    const [row] = await world.rows();
    if (row)
      await world.backend.audit.append([{ ...row, sequence: 999, entry: Buffer.from("{}"), details: undefined }]);
    const { entries } = await reader.latest({ limit: 100 });
    expect(entries.filter(({ event }) => event === "unreadable")).toHaveLength(1);
    expect(entries).toHaveLength(33);
  });
});
