import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from "vitest";

import { giveUpSilent } from "../../../src/store/redis/give-up-silent.ts";
import { openRedisBackend } from "../../../src/store/redis/redis-backend.ts";
import { startRedisCluster } from "../../support/redis-cluster.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { createRecordedLog } from "../../support/store-log.ts";

const SILENT_MS = 5_000;

/** Frozen servers keep their connections: what closes one here is the gateway. */
describeWithRedis("a connection to Redis", () => {
  let server: RedisServer;
  let client: Redis;
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    server = await startRedisServer();
    client = new Redis(server.url);
    giveUpSilent(client, SILENT_MS);
    client.on("error", () => undefined);
    await client.ping();
  });
  afterEach(async () => {
    vi.useRealTimers();
    server.thaw();
    client.disconnect();
    await server.stop();
  });

  it("that owes an answer and brings nothing is closed when that has lasted, and made anew", async () => {
    const { stream } = client;
    server.freeze();
    const answer = client.ping();
    vi.advanceTimersByTime(SILENT_MS);
    expect(stream.destroyed).toBe(false);
    vi.advanceTimersByTime(SILENT_MS);
    expect(stream.destroyed).toBe(true);
    server.thaw();
    // The driver's default sends it again.
    expect(await answer).toBe("PONG");
    expect(client.stream).not.toBe(stream);
  });

  it("that owes nothing is kept", () => {
    vi.advanceTimersByTime(20 * SILENT_MS);
    expect(client.stream.destroyed).toBe(false);
  });

  it("that brings an answer before it was silent for too long is kept", async () => {
    const { stream } = client;
    const other = client.duplicate();
    for (let round = 0; round < 5; round += 1) {
      const awaited = client.blpop("list", 0);
      vi.advanceTimersByTime(SILENT_MS * 0.8);
      await other.rpush("list", "a");
      await awaited;
    }
    other.disconnect();
    expect(stream.destroyed).toBe(false);
  });

  it("that was closed is looked at no more", async () => {
    expect(vi.getTimerCount()).toBe(1);
    client.disconnect();
    await expect.poll(() => vi.getTimerCount()).toBe(0);
  });

  it("of a store that went silent is closed", async () => {
    const { log, events } = createRecordedLog();
    const backend = await openRedisBackend({
      url: server.url,
      clock: Date.now,
      log,
      commandTimeoutMs: 50,
      keyPrefix: "t:",
    });
    server.freeze();
    await expect(backend.sessions.load("any")).rejects.toMatchObject({ code: "store_unavailable" });
    vi.advanceTimersByTime(2 * SILENT_MS);
    await expect.poll(() => events).toContain("redis_disconnected");
    server.thaw();
    await expect.poll(() => backend.ping().then(() => "up", String)).toBe("up");
    await backend.close();
  });
});

describeWithRedis("a connection to a node of a Redis cluster", () => {
  it("that went silent is closed", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const cluster = await startRedisCluster();
    onTestFinished(() => cluster.stop());
    const { log, events } = createRecordedLog();
    const options = { clock: Date.now, log, commandTimeoutMs: 50, keyPrefix: "t:" };
    const backend = await openRedisBackend({ url: cluster.url, ...options });
    onTestFinished(() => backend.close());
    const node = await cluster.ownerOf(await cluster.slotOf("t:session:{any}"));
    node.server.freeze();
    await expect(backend.sessions.load("any")).rejects.toMatchObject({ code: "store_unavailable" });
    vi.advanceTimersByTime(2 * SILENT_MS);
    await expect.poll(() => events).toContain("redis_node_disconnected");
    node.server.thaw();
  });
});
