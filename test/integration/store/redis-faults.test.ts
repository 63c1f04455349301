import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, it } from "vitest";

import { openRedisBackend } from "../../../src/store/redis/redis-backend.ts";
import type { SessionFields } from "../../../src/store/session-store.ts";
import type { StoreBackend } from "../../../src/store/store-backend.ts";
import { withBreaker } from "../../../src/store/with-breaker.ts";
import { everyCall } from "../../conformance/store-backend.suite.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import {
  followUpOf,
  HOUR_MS,
  mustCommit,
  openingOf,
  turnOf,
  uniqueName,
  writeTurns,
} from "../../support/store-commits.ts";
import { createHandClock, type HandClock } from "../../support/store-hand-clock.ts";
import { createRecordedLog } from "../../support/store-log.ts";

const UNAVAILABLE = { name: "GatewayError", code: "store_unavailable" };

describeWithRedis("the Redis store when its server misbehaves", () => {
  let server: RedisServer;
  let clock: HandClock;
  let backend: StoreBackend;
  let raw: Redis;
  let recorded: ReturnType<typeof createRecordedLog>;
  beforeEach(async () => {
    server = await startRedisServer({ appendOnly: true });
    clock = createHandClock();
    recorded = createRecordedLog();
    backend = await open(server.url);
    raw = new Redis(server.url, { retryStrategy: () => 50 });
    raw.on("error", () => undefined);
  });
  afterEach(async () => {
    server.thaw();
    raw.disconnect();
    await backend.close();
    await server.stop();
  });

  const open = (url: string, commandTimeoutMs = 500): Promise<StoreBackend> =>
    openRedisBackend({ url, clock: clock.now, log: recorded.log, commandTimeoutMs, keyPrefix: "t:" });
  const fields = (): SessionFields => ({
    owner: uniqueName("owner"),
    createdAt: clock.now(),
    expiresAt: clock.now() + HOUR_MS,
    loadFrom: 0,
  });
  const opening = (): ReturnType<typeof openingOf> => openingOf(uniqueName("session"), fields());

  it("a frozen server rejects every call, and serves again when it thaws", async () => {
    const commit = opening();
    await mustCommit(backend.sessions, commit);
    server.freeze();
    const outcomes = await Promise.allSettled(everyCall(backend, clock.now()).map((call) => call()));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: "rejected", reason: UNAVAILABLE });
    server.thaw();
    await expect.poll(() => backend.ping().then(() => "up", String)).toBe("up");
    expect((await backend.sessions.load(commit.key))?.revision).toBe(commit.revision);
  });

  it("a reply that comes too late reaches nobody else", async () => {
    const commits = Array.from({ length: 6 }, opening);
    for (const commit of commits) await mustCommit(backend.sessions, commit);
    const patient = await open(server.url, 2_000);
    server.freeze();
    const late = withBreaker(patient, { timeoutMs: 50, clock: clock.now, log: recorded.log });
    const abandoned = commits.slice(0, 3).map(({ key }) => late.sessions.load(key));
    for (const outcome of await Promise.allSettled(abandoned)) expect(outcome.status).toBe("rejected");
    await expect(backend.sessions.load(commits[0]?.key ?? "")).rejects.toMatchObject(UNAVAILABLE);
    const waiting = commits.slice(3).map(({ key }) => patient.sessions.load(key));
    server.thaw();
    const loaded = await Promise.all(waiting);
    expect(loaded.map((session) => session?.revision)).toEqual(commits.slice(3).map(({ revision }) => revision));
    for (const { key, revision } of commits) expect((await backend.sessions.load(key))?.revision).toBe(revision);
    await patient.close();
  });

  it("a commit that timed out is written once, and its repetition is acknowledged", async () => {
    const base = opening();
    await mustCommit(backend.sessions, base);
    const next = followUpOf(base, { known: { revision: base.revision, sequence: 0 } });
    server.freeze();
    await expect(backend.sessions.commit(next)).rejects.toMatchObject(UNAVAILABLE);
    server.thaw();
    await expect.poll(() => backend.ping().then(() => "up", String)).toBe("up");
    expect(await backend.sessions.commit(next)).toEqual({ committed: true });
    expect((await backend.sessions.load(base.key))?.turns).toEqual([base.turn, next.turn]);
  });

  it("a frozen server opens the circuit, a thawed one closes it, with one line each", async () => {
    const outcomes: string[] = [];
    const guarded = withBreaker(backend, {
      timeoutMs: 40,
      clock: clock.now,
      log: recorded.log,
      onCall: (_operation, outcome) => outcomes.push(outcome),
    });
    server.freeze();
    for (let call = 0; call < 8; call++) {
      await expect(guarded.sessions.load("any")).rejects.toMatchObject(UNAVAILABLE);
    }
    // On a busy machine the driver may give up before the breaker does.
    expect(outcomes.map((outcome) => outcome === "refused")).toEqual([...Array(5).fill(false), ...Array(3).fill(true)]);
    clock.advance(1_000);
    await expect(guarded.sessions.load("any")).rejects.toMatchObject(UNAVAILABLE);
    server.thaw();
    await expect.poll(() => guarded.ping().then(() => "up", String)).toBe("up");
    clock.advance(1_000);
    expect(await guarded.sessions.load("any")).toBeUndefined();
    expect(recorded.events).toEqual(["store_circuit_opened", "store_circuit_closed"]);
  });

  it("a killed server rejects at once, and what it acknowledged is there when it is back", async () => {
    const commits = await writeTurns(backend.sessions, opening(), 5);
    await backend.records.putIfAbsent("root", Buffer.from("secret"));
    const inFlight = Promise.allSettled(Array.from({ length: 20 }, () => backend.sessions.commit(opening())));
    await server.kill();
    for (const outcome of await inFlight) {
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject(UNAVAILABLE);
    }
    for (const call of everyCall(backend, clock.now())) await expect(call()).rejects.toMatchObject(UNAVAILABLE);
    await server.restart();
    await expect.poll(() => backend.ping().then(() => "up", String), { timeout: 10_000 }).toBe("up");
    const session = await backend.sessions.load(commits[0].key);
    expect(session?.turns).toEqual(commits.map(({ turn }) => turn));
    expect((await backend.records.read("root"))?.toString()).toBe("secret");
    expect(recorded.events).toEqual(["redis_disconnected", "redis_connected"]);
  });

  it("a server that cannot be reached fails the opening", async () => {
    await server.kill();
    await expect(open(server.url)).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringContaining("ECONNREFUSED"),
    });
  });

  it("a frozen server fails the opening", async () => {
    server.freeze();
    await expect(open(server.url)).rejects.toMatchObject(UNAVAILABLE);
  });

  it("closes although its server is gone", async () => {
    await server.kill();
    await expect.poll(() => recorded.events).toEqual(["redis_disconnected"]);
    await backend.close();
    await expect(backend.sessions.load("any")).rejects.toMatchObject(UNAVAILABLE);
  });

  it("a server that forgot our scripts is taught them again", async () => {
    const commits = await writeTurns(backend.sessions, opening(), 2);
    await raw.script("FLUSH");
    expect((await backend.sessions.load(commits[0].key))?.turns).toHaveLength(2);
    await raw.script("FLUSH");
    await mustCommit(backend.sessions, followUpOf(commits[1] ?? commits[0]));
    await raw.script("FLUSH");
    expect(await backend.sessions.readTurns(commits[0].key, 0, 9)).toHaveLength(3);
    await raw.script("FLUSH");
    expect(await backend.sessions.remove(commits[0].key)).toBe(true);
  });

  it("a server that forgot our scripts answers all who ask it at once, and knows them then", async () => {
    const commits = Array.from({ length: 20 }, opening);
    await raw.script("FLUSH");
    await Promise.all(commits.map((commit) => mustCommit(backend.sessions, commit)));
    const loaded = await Promise.all(commits.map(({ key }) => backend.sessions.load(key)));
    expect(loaded.map((session) => session?.turns)).toEqual(commits.map(({ turn }) => [turn]));
    await raw.config("RESETSTAT");
    await backend.sessions.load("any");
    expect(await callsOf(raw)).not.toHaveProperty("eval");
  });

  it("a server that was restarted fails no turn for knowing no script", async () => {
    const [base] = await writeTurns(backend.sessions, opening(), 1);
    await server.kill();
    await server.restart();
    await expect.poll(() => backend.ping().then(() => "up", String), { timeout: 10_000 }).toBe("up");
    await mustCommit(backend.sessions, followUpOf(base));
    expect((await backend.sessions.load(base.key))?.turns).toHaveLength(2);
  });

  it("a commit that was given up is not sent again when its script proves to be unknown", async () => {
    const base = opening();
    await mustCommit(backend.sessions, base);
    await raw.script("FLUSH");
    server.freeze();
    await expect(backend.sessions.commit(followUpOf(base))).rejects.toMatchObject(UNAVAILABLE);
    server.thaw();
    await expect.poll(() => backend.ping().then(() => "up", String)).toBe("up");
    expect((await backend.sessions.load(base.key))?.turns).toEqual([base.turn]);
  });

  it("a load is one command, and so is a commit that enters the session in its owner's index", async () => {
    const commits = await writeTurns(backend.sessions, opening(), 3);
    // The first use of a script sends its text.
    await backend.sessions.load(commits[0].key);
    await raw.config("RESETSTAT");
    await backend.sessions.load(commits[0].key);
    expect(await callsOf(raw)).toMatchObject({ evalsha: 1 });
    await mustCommit(backend.sessions, followUpOf(commits[2] ?? commits[0]));
    expect(await callsOf(raw)).toMatchObject({ evalsha: 2 });
  });

  it("what is asked at once leaves in one write", async () => {
    const reads = async (): Promise<number> =>
      Number(/^total_reads_processed:(\d+)/m.exec(await raw.info("stats"))?.[1]);
    await backend.sessions.load("any");
    const before = await reads();
    await Promise.all(Array.from({ length: 30 }, (_, at) => backend.sessions.load(`s${at}`)));
    // Connections of the test have some of their own.
    expect((await reads()) - before).toBeLessThan(10);
  });

  it("a page of a listing reads the index once, also after a row, and each of its sessions once", async () => {
    const { owner } = fields();
    const base = { owner, createdAt: clock.now(), expiresAt: clock.now() + HOUR_MS, loadFrom: 0 };
    for (let at = 0; at < 60; at++) {
      await mustCommit(backend.sessions, openingOf(uniqueName("session"), { ...base, createdAt: base.createdAt + at }));
    }
    const [first] = await backend.sessions.list(owner, { limit: 1, order: "desc" });
    await raw.config("RESETSTAT");
    const after = { createdAt: first?.fields.createdAt ?? 0, key: first?.key ?? "" };
    expect(await backend.sessions.list(owner, { limit: 20, order: "desc", after })).toHaveLength(20);
    expect(await callsOf(raw)).toMatchObject({ zrange: 1, hmget: 20 });
  });

  it("nothing that a session lives through scans", async () => {
    await raw.config("RESETSTAT");
    const commits = await writeTurns(backend.sessions, opening(), 3);
    const { key, fields: ofSession } = commits[0];
    await backend.sessions.load(key);
    await backend.sessions.readTurns(key, 0, 2);
    await backend.sessions.list(ofSession.owner, { limit: 10, order: "desc" });
    await backend.sessions.count(ofSession.owner, 9);
    await backend.sessions.remove(key);
    await backend.sessions.removeOwner(ofSession.owner);
    await backend.quotas.take("q", { startsAt: clock.now(), endsAt: clock.now() + 1_000, limit: 9 }, 1);
    await backend.leases.acquire("lease", "holder", 1_000);
    await backend.leases.release("lease", "holder");
    const calls = await callsOf(raw);
    for (const scan of ["keys", "scan", "hscan", "sscan", "zscan"]) expect(calls).not.toHaveProperty(scan);
  });

  it("a session is one key that Redis clears away by itself, and so is its index", async () => {
    const base = opening();
    const slots = new Map([["summary", Buffer.from("s")]]);
    await writeTurns(backend.sessions, { ...base, slots }, 5);
    const keys = (await raw.keys("t:*:*")).toSorted();
    expect(keys).toEqual([`t:owner:{${base.fields.owner}}`, `t:session:{${base.key}}`]);
    for (const key of keys) {
      const lastsMs = await raw.pttl(key);
      expect(lastsMs).toBeGreaterThan(HOUR_MS - 60_000);
      expect(lastsMs).toBeLessThanOrEqual(HOUR_MS + 120_000);
    }
  });

  it("an index entry without a session is not listed, and is removed once it is no creation under way", async () => {
    const [kept, evicted] = [opening(), opening()];
    const { owner } = kept.fields;
    await mustCommit(backend.sessions, kept);
    await mustCommit(backend.sessions, { ...evicted, fields: kept.fields });
    await raw.del(`t:session:{${evicted.key}}`);
    const listed = async (): Promise<string[]> =>
      (await backend.sessions.list(owner, { limit: 9, order: "desc" })).map(({ key }) => key);
    expect(await listed()).toEqual([kept.key]);
    expect(await raw.zcard(`t:owner:{${owner}}`)).toBe(2);
    clock.advance(60_001);
    expect(await listed()).toEqual([kept.key]);
    await expect.poll(() => raw.zcard(`t:owner:{${owner}}`)).toBe(1);
  });

  it("a session that an index lost is back with its next turn", async () => {
    const base = opening();
    await mustCommit(backend.sessions, base);
    await raw.del(`t:owner:{${base.fields.owner}}`);
    await mustCommit(backend.sessions, followUpOf(base));
    expect(await backend.sessions.list(base.fields.owner, { limit: 9, order: "desc" })).toHaveLength(1);
  });

  it("shards behind one address refuse scripts whose keys lie apart, and are sent one for each", async () => {
    const shards = await startRedisServer({ settings: ["--cluster-enabled", "yes"] });
    const shard = new Redis(shards.url);
    await shard.cluster("ADDSLOTSRANGE", 0, 16_383);
    await expect.poll(() => shard.cluster("INFO"), { timeout: 10_000 }).toContain("cluster_state:ok");
    const store = await open(shards.url, 2_000);
    const commits = await writeTurns(store.sessions, opening(), 2);
    await expect(store.sessions.commit(followUpOf(commits[0]))).resolves.toMatchObject({ committed: false });
    const { owner } = commits[0].fields;
    expect(await store.sessions.list(owner, { limit: 9, order: "desc" })).toHaveLength(1);
    await store.close();
    shard.disconnect();
    await shards.stop();
  });

  it("a read-only replica refuses commits, and takes them once it is the primary", async () => {
    const base = opening();
    await mustCommit(backend.sessions, base);
    // Nobody answers there: it stays what it was, but for taking writes.
    await raw.call("REPLICAOF", "127.0.0.1", "1");
    await expect(backend.sessions.commit(followUpOf(base))).rejects.toMatchObject(UNAVAILABLE);
    await raw.call("REPLICAOF", "NO", "ONE");
    const next = followUpOf(base);
    const committed = (): Promise<unknown> =>
      backend.sessions.commit(next).then((outcome) => outcome.committed, String);
    await expect.poll(committed).toBe(true);
  });

  it("a full server says store_unavailable, and recovers", async () => {
    await raw.config("SET", "maxmemory", "100kb");
    const large = { ...opening(), turn: { ...turnOf(0), sealed: Buffer.alloc(2_000_000) } };
    await expect(backend.sessions.commit(large)).rejects.toMatchObject(UNAVAILABLE);
    await raw.config("SET", "maxmemory", "0");
    await mustCommit(backend.sessions, large);
  });

  it("says when the server may forget: eviction of any key, no append-only file", async () => {
    await raw.config("SET", "maxmemory-policy", "allkeys-lru");
    await raw.config("SET", "appendonly", "no");
    await (await open(server.url)).close();
    expect(recorded.events).toEqual(["redis_may_evict_keys", "redis_append_only_file_off"]);
  });
});

async function callsOf(raw: Redis): Promise<Record<string, number>> {
  const info = await raw.info("commandstats");
  const calls = info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm);
  return Object.fromEntries([...calls].map(([, name, count]) => [name ?? "", Number(count)]));
}
