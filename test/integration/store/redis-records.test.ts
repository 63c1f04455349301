import { randomBytes } from "node:crypto";

import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, it } from "vitest";

import { createOwnerIndex } from "../../../src/store/redis/owner-index.ts";
import { openRedisBackend } from "../../../src/store/redis/redis-backend.ts";
import { connectRedis } from "../../../src/store/redis/redis-connection.ts";
import { createRedisNames } from "../../../src/store/redis/redis-names.ts";
import { createRedisSessionStore } from "../../../src/store/redis/redis-session-store.ts";
import { runPiece } from "../../../src/store/session-store.ts";
import type { StoreBackend } from "../../../src/store/store-backend.ts";
import { auditRowsOf, chainName } from "../../support/audit-rows.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { HOUR_MS, mustCommit, openingOf, uniqueName, writeTurns } from "../../support/store-commits.ts";
import { createHandClock, type HandClock } from "../../support/store-hand-clock.ts";
import { createRecordedLog } from "../../support/store-log.ts";

const MINUTE_MS = 60_000;

describeWithRedis("what the Redis store keeps where", () => {
  let server: RedisServer;
  let clock: HandClock;
  let backend: StoreBackend;
  let raw: Redis;
  beforeEach(async () => {
    server = await startRedisServer();
    clock = createHandClock();
    raw = new Redis(server.url);
    backend = await open();
  });
  afterEach(async () => {
    raw.disconnect();
    await backend.close();
    await server.stop();
  });

  const open = (keyPrefix = "t:"): Promise<StoreBackend> =>
    openRedisBackend({
      url: server.url,
      clock: clock.now,
      log: createRecordedLog().log,
      commandTimeoutMs: 2_000,
      keyPrefix,
    });
  const bytes = Buffer.from("bytes");
  const names = (): Promise<string[]> => raw.zrange("t:record-names:{records}", 0, "-1");

  it("a removed record leaves no key and no name", async () => {
    await backend.records.putIfAbsent("a", bytes);
    await backend.records.putIfAbsent("b", bytes, clock.now() + HOUR_MS);
    await backend.records.remove("a");
    await backend.records.remove("b");
    expect(await raw.keys("t:record*")).toEqual([]);
  });

  it("an expired record is cleared away by Redis, and its name with a later write", async () => {
    for (let index = 0; index < 30; index++) {
      await backend.records.putIfAbsent(`login-${index}`, bytes, clock.now() + HOUR_MS);
    }
    await backend.records.putIfAbsent("for ever", bytes);
    const lastsMs = await raw.pttl("t:record:{records}:login-0");
    expect(lastsMs).toBeGreaterThan(HOUR_MS);
    expect(lastsMs).toBeLessThanOrEqual(HOUR_MS + MINUTE_MS);
    expect(await raw.pttl("t:record:{records}:for ever")).toBe(-1);
    clock.advance(HOUR_MS + MINUTE_MS + 1);
    await backend.records.putIfAbsent("one", bytes);
    await backend.records.putIfAbsent("two", bytes);
    expect(await names()).toEqual(["for ever", "one", "two"]);
    expect(await raw.zcard("t:record-ends:{records}")).toBe(0);
  });

  it("a name whose record was evicted is not listed", async () => {
    await backend.records.putIfAbsent("kept", bytes);
    await backend.records.putIfAbsent("evicted", bytes);
    await raw.del("t:record:{records}:evicted");
    expect(await backend.records.list("", { limit: 9 })).toEqual([{ name: "kept", bytes }]);
  });

  it("keys of the first release become records, each once, whatever others share the server", async () => {
    await raw.del("t:first-keys-adopted");
    const keys = new Map(Array.from({ length: 50 }, () => [uniqueName("data-key"), randomBytes(60)]));
    keys.set("日本🙂\0:key:", randomBytes(60));
    for (const [name, value] of keys) await raw.set(`t:key:${name}`, value);
    await raw.set("other:key:root", "not ours");
    await raw.set("xt:key:root", "not ours");
    const replicas = await Promise.all([open(), open()]);
    for (const [name, value] of keys) expect(await backend.records.read(name)).toEqual(value);
    expect(await backend.records.list("", { limit: 99 })).toHaveLength(51);
    expect(await raw.keys("t:key:*")).toEqual([]);
    expect(await raw.mget("other:key:root", "xt:key:root")).toEqual(["not ours", "not ours"]);
    // A later start does not look again.
    await raw.set("t:key:late", "late");
    await (await open()).close();
    expect(await backend.records.read("late")).toBeUndefined();
    for (const replica of replicas) await replica.close();
  });

  it("a prefix that reads like a pattern adopts its own keys only", async () => {
    await raw.set("[t]*:key:root", "ours");
    await raw.set("t*:key:root", "not ours");
    const strange = await open("[t]*:");
    expect(await strange.records.list("", { limit: 9 })).toEqual([{ name: "root", bytes: Buffer.from("ours") }]);
    await strange.close();
  });

  it("a removed owner leaves no key: neither live nor expired sessions, nor the index", async () => {
    const fields = { owner: "mine", createdAt: clock.now(), expiresAt: clock.now() + HOUR_MS, loadFrom: 0 };
    for (let index = 0; index < 70; index++) {
      const expiresAt = clock.now() + (index % 2 === 0 ? HOUR_MS : 1_000);
      await writeTurns(backend.sessions, openingOf(`mine-${index}`, { ...fields, expiresAt }), 2);
    }
    await mustCommit(backend.sessions, openingOf("theirs", { ...fields, owner: "other" }));
    const theirs = await raw.dumpBuffer("t:session:{theirs}");
    await raw.del("t:session:{mine-0}");
    clock.advance(MINUTE_MS + 1);
    expect(await backend.sessions.removeOwner("mine")).toBe(34);
    expect((await raw.keys("t:*:*")).toSorted()).toEqual(["t:owner:{other}", "t:session:{theirs}"]);
    expect(await raw.dumpBuffer("t:session:{theirs}")).toEqual(theirs);
  });

  it("a session in the making keeps its entry when its owner is removed", async () => {
    await raw.zadd("t:owner:{mine}", clock.now(), "in the making");
    expect(await backend.sessions.removeOwner("mine")).toBe(0);
    expect(await raw.zrange("t:owner:{mine}", 0, "-1")).toEqual(["in the making"]);
  });

  it("an entry that was written anew while its owner was being removed stays", async () => {
    const connection = await connectRedis({ url: server.url, log: createRecordedLog().log, commandTimeoutMs: 2_000 });
    const index = createOwnerIndex({ connection, names: createRedisNames("t:"), clock: clock.now });
    const enter = (createdAt: number): Promise<unknown> =>
      index.enter("mine", { key: "session", createdAt }, clock.now() + HOUR_MS);
    await enter(clock.now());
    const removeAndRecreate = async (): Promise<boolean> => {
      await enter(clock.now() + 1);
      return true;
    };
    expect(await index.removeAll("mine", { remove: removeAndRecreate, step: runPiece })).toBe(1);
    expect(await raw.zrange("t:owner:{mine}", 0, "-1")).toEqual(["session"]);
    await connection.close();
  });

  it("a session that begins anew while the one before it is removed stays listed", async () => {
    const connection = await connectRedis({ url: server.url, log: createRecordedLog().log, commandTimeoutMs: 2_000 });
    const redisNames = createRedisNames("t:");
    const index = createOwnerIndex({ connection, names: redisNames, clock: clock.now });
    const fields = () => ({ owner: "mine", createdAt: clock.now(), expiresAt: clock.now() + HOUR_MS, loadFrom: 0 });
    await mustCommit(backend.sessions, openingOf("session", fields()));
    // Between the session's end and its entry's the name is used again.
    const beginAnew = async (): Promise<void> => {
      clock.advance(1);
      await mustCommit(backend.sessions, openingOf("session", fields()));
    };
    const sessions = createRedisSessionStore({
      connection,
      names: redisNames,
      index: { ...index, withdraw: (...entry) => beginAnew().then(() => index.withdraw(...entry)) },
      clock: clock.now,
      follow: (write) => write,
    });
    expect(await sessions.remove("session")).toBe(true);
    const listed = await backend.sessions.list("mine", { limit: 9, order: "asc" });
    expect(listed.map(({ key }) => key)).toEqual(["session"]);
    await connection.close();
  });

  it("an index that names another owner's session neither counts nor removes it", async () => {
    const fields = { owner: "other", createdAt: clock.now(), expiresAt: clock.now() + HOUR_MS, loadFrom: 0 };
    await mustCommit(backend.sessions, openingOf("theirs", fields));
    await raw.zadd("t:owner:{mine}", clock.now(), "theirs");
    expect(await backend.sessions.count("mine", 9)).toBe(0);
    expect(await backend.sessions.removeOwner("mine")).toBe(0);
    expect(await backend.sessions.load("theirs")).toBeDefined();
  });

  it("entries of sessions that are gone are not counted, and leave the index when somebody counts", async () => {
    const fields = { owner: "mine", createdAt: clock.now(), expiresAt: clock.now() + HOUR_MS, loadFrom: 0 };
    for (const key of ["kept", "evicted"]) await mustCommit(backend.sessions, openingOf(key, fields));
    await raw.del("t:session:{evicted}");
    expect(await backend.sessions.count("mine", 9)).toBe(1);
    clock.advance(MINUTE_MS + 1);
    expect(await backend.sessions.count("mine", 9)).toBe(1);
    await expect.poll(() => raw.zrange("t:owner:{mine}", 0, "-1")).toEqual(["kept"]);
  });

  it("quotas are cleared away by Redis after their windows and holders, and old notices with the next one", async () => {
    await backend.quotas.take("q", { startsAt: clock.now(), endsAt: clock.now() + MINUTE_MS, limit: 9 }, 1);
    expect(await raw.pttl("t:quota:q")).toBeGreaterThan(MINUTE_MS);
    expect(await raw.pttl("t:quota:q")).toBeLessThanOrEqual(2 * MINUTE_MS);
    await backend.quotas.hold("q", "a", { count: 1, limit: 9, ttlMs: HOUR_MS });
    await backend.quotas.take("q", { startsAt: 0, endsAt: clock.now() + 1, limit: 9 }, 1);
    expect(await raw.pttl("t:quota:q")).toBeGreaterThan(HOUR_MS);
    clock.advance(3 * HOUR_MS);
    await backend.quotas.take("q", { startsAt: clock.now(), endsAt: clock.now() + MINUTE_MS, limit: 9 }, 1);
    await backend.quotas.hold("q", "b", { count: 1, limit: 9, ttlMs: HOUR_MS });
    expect(await raw.hkeys("t:quota:q")).toHaveLength(2);
    await raw.xadd("t:notices", "1-0", "notice", "of 1970");
    await backend.notices.post("new");
    expect(await raw.xlen("t:notices")).toBe(1);
  });

  it("nothing scans, and nothing is read one key at a time over the wire", async () => {
    const chain = chainName();
    await backend.audit.append(auditRowsOf(chain, 40, clock.now()));
    for (let index = 0; index < 40; index++) await backend.records.putIfAbsent(`record-${index}`, bytes);
    await raw.config("RESETSTAT");
    await backend.records.list("record", { limit: 10 });
    await backend.audit.latest({ limit: 10 });
    await backend.audit.read(chain, { from: 5, limit: 10 });
    await backend.audit.chains();
    await backend.notices.read("0-0");
    const info = await raw.info("commandstats");
    const calls = [...info.matchAll(/^cmdstat_([^:]+):/gm)].map(([, name]) => name);
    for (const scan of ["keys", "scan", "hscan", "zscan", "smembers"]) expect(calls).not.toContain(scan);
    expect(info).toMatch(/cmdstat_hmget:calls=16,/);
  });
});
