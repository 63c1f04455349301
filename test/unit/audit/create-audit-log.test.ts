import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { hashOf } from "../../../src/audit/audit-entry.ts";
import { MAX_WAITING } from "../../../src/audit/create-audit-log.ts";
import { auditWorld, entriesOf } from "./audit-fixtures.ts";

describe("the audit log", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  it("chains what is recorded, from the start of the process to a signed head", async () => {
    const world = auditWorld();
    const audit = world.openLog();
    audit.record({ event: "session_created", counts: { turns: 2, messages: 1 }, reason: "api" });
    audit.record({ event: "session_deleted" });
    await audit.close();
    const rows = await world.rows();
    const entries = entriesOf(rows);
    expect(entries.map(({ event }) => event)).toEqual([
      "sys_startup",
      "session_created",
      "session_deleted",
      "audit_head",
    ]);
    expect(entries.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3]);
    expect(entries.map(({ previous }) => previous)).toEqual([
      "",
      ...rows.slice(0, -1).map(({ entry }) => hashOf(entry)),
    ]);
    expect(rows[1]?.entry.toString()).toContain('"reason":"api","counts":{"messages":1,"turns":2}');
  });

  it("writes nothing where nothing was recorded", async () => {
    const world = auditWorld();
    await world.openLog().close();
    expect(await world.rows()).toEqual([]);
  });

  it("stores by itself, and signs a while later", async () => {
    const world = auditWorld();
    const audit = world.openLog();
    audit.record({ event: "sys_startup" });
    await vi.advanceTimersByTimeAsync(100);
    expect(entriesOf(await world.rows()).map(({ event }) => event)).toEqual(["sys_startup", "audit_head"]);
    audit.record({ event: "session_created" });
    await vi.advanceTimersByTimeAsync(100);
    expect(await world.rows()).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(entriesOf(await world.rows()).at(-1)).toMatchObject({ event: "audit_head", sequence: 3 });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await world.rows()).toHaveLength(4);
  });

  it("signs every 64 entries, however fast they come", async () => {
    const world = auditWorld();
    const audit = world.openLog();
    for (let count = 0; count < 200; count += 1) audit.record({ event: "session_renewed" });
    await audit.flush();
    const heads = entriesOf(await world.rows()).filter(({ event }) => event === "audit_head");
    expect(heads.map(({ sequence }) => sequence)).toEqual([64, 102, 167]);
  });

  it("begins a chain with where the others stand", async () => {
    const world = auditWorld();
    for (let process = 0; process < 18; process += 1) {
      const audit = world.openLog();
      audit.record({ event: "session_created" });
      await audit.close();
      world.clock.advance(1);
    }
    const rows = await world.rows();
    const last = rows.filter(({ sequence }) => sequence === 2).slice(-17, -1);
    const newest = entriesOf(rows).findLast(({ event }) => event === "sys_startup");
    expect(newest?.anchors).toEqual(last.map(({ chain, entry }) => ({ chain, sequence: 2, hash: hashOf(entry) })));
  });

  it("keeps what a failed append left, and repeats it unchanged", async () => {
    const world = auditWorld();
    const audit = world.openLog();
    audit.record({ event: "session_created" });
    Object.assign(world.outage, { isOn: true, afterWriting: true });
    await expect(audit.flush()).rejects.toMatchObject({ code: "store_unavailable" });
    audit.record({ event: "session_deleted" });
    await expect(audit.flush()).rejects.toMatchObject({ code: "store_unavailable" });
    world.outage.isOn = false;
    await audit.close();
    const events = entriesOf(await world.rows()).map(({ event }) => event);
    expect(events).toEqual(["sys_startup", "session_created", "audit_head", "session_deleted", "audit_head"]);
    expect(world.log.events).toEqual(["audit_log_failing", "audit_log_recovered"]);
    expect(world.onFailure).toHaveBeenCalledTimes(2);
  });

  it("tries again by itself, and says once that it failed and once that it works", async () => {
    const world = auditWorld();
    const audit = world.openLog();
    world.outage.isOn = true;
    audit.record({ event: "session_created" });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(world.log.events).toEqual(["audit_log_failing"]);
    expect(world.onFailure.mock.calls.length).toBeGreaterThan(5);
    world.outage.isOn = false;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(world.log.events).toEqual(["audit_log_failing", "audit_log_recovered"]);
    expect(await world.rows()).toHaveLength(3);
  });

  it("says in the chain how many records found no room while the store was down", async () => {
    const world = auditWorld();
    const audit = world.openLog();
    world.outage.isOn = true;
    for (let count = 0; count < MAX_WAITING + 7; count += 1) audit.record({ event: "session_renewed" });
    expect(world.onFailure).toHaveBeenCalledTimes(7);
    await expect(audit.flush()).rejects.toMatchObject({ code: "store_unavailable" });
    world.outage.isOn = false;
    await vi.advanceTimersByTimeAsync(1_000);
    audit.record({ event: "session_deleted" });
    await audit.flush();
    const entries = entriesOf(await world.rows());
    expect(entries.filter(({ event }) => event === "session_renewed")).toHaveLength(MAX_WAITING);
    expect(entries.find(({ event }) => event === "session_deleted")).toMatchObject({ missing: 7 });
    expect(entries.filter(({ missing }) => missing !== undefined)).toHaveLength(1);
  });

  it("lets a signed head say what was lost when nothing follows", async () => {
    const world = auditWorld();
    const audit = world.openLog();
    world.outage.isOn = true;
    for (let count = 0; count < MAX_WAITING + 3; count += 1) audit.record({ event: "session_renewed" });
    world.outage.isOn = false;
    await expect(audit.flush(), "the caller's own record may be among the lost").rejects.toMatchObject({
      code: "store_unavailable",
    });
    await audit.close();
    expect(entriesOf(await world.rows()).at(-1)).toMatchObject({ event: "audit_head", missing: 3 });
  });

  it("closes without an error when the store is gone, and says what is missing", async () => {
    const world = auditWorld();
    const audit = world.openLog();
    world.outage.isOn = true;
    audit.record({ event: "session_created" });
    await audit.close();
    await audit.close();
    expect(world.log.events).toEqual(["audit_log_failing", "audit_log_closed_incomplete"]);
    audit.record({ event: "session_created" });
    expect(world.onFailure).toHaveBeenCalledTimes(2);
  });

  it("goes on in a new chain when somebody else wrote into its own", async () => {
    const world = auditWorld();
    const audit = world.openLog();
    audit.record({ event: "sys_startup" });
    await audit.flush();
    const [first] = await world.rows();
    await world.backend.audit.append([
      { ...(first as NonNullable<typeof first>), sequence: 2, entry: Buffer.from("{}") },
    ]);
    audit.record({ event: "session_created" });
    await expect(audit.flush()).rejects.toMatchObject({ code: "store_unavailable" });
    await audit.flush();
    await audit.close();
    const own = (await world.rows()).filter(({ chain }) => chain !== first?.chain);
    expect(entriesOf(own)).toMatchObject([
      { event: "sys_startup", reason: "chain_replaced", anchors: [{ chain: first?.chain }] },
      { event: "session_created" },
      { event: "audit_head" },
    ]);
  });

  it("hands each entry on once it is stored, and once", async () => {
    const world = auditWorld();
    const audit = world.openLog();
    Object.assign(world.outage, { isOn: true, afterWriting: true });
    audit.record({ event: "session_created" });
    await audit.flush().catch(() => undefined);
    expect(world.forwarded).toEqual([]);
    world.outage.isOn = false;
    await audit.close();
    expect(world.forwarded).toEqual((await world.rows()).map(({ entry }) => entry.toString("utf8")));
  });

  it("counts what a stranger can repeat at will, instead of writing it again and again", async () => {
    const world = auditWorld();
    const audit = world.openLog();
    for (let count = 0; count < 30_000; count += 1) audit.record({ event: "authn_login_fail", reason: "admin_key" });
    audit.record({ event: "authn_login_fail", reason: "other" });
    world.clock.advance(1_000);
    audit.record({ event: "authn_login_fail", reason: "admin_key" });
    await audit.flush();
    audit.record({ event: "authn_login_fail", reason: "admin_key" });
    await audit.close();
    const failures = entriesOf(await world.rows()).filter(({ event }) => event === "authn_login_fail");
    expect(failures.map(({ reason, counts }) => [reason, counts?.["times"] ?? 1])).toEqual([
      ["admin_key", 30_000],
      ["other", 1],
      ["admin_key", 1],
      ["admin_key", 1],
    ]);
    expect(world.onFailure).not.toHaveBeenCalled();
  });
});
