import { setTimeout as pause } from "node:timers/promises";
import { inspect } from "node:util";

import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { findFreePort } from "../../../bench/rig/free-port.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { openRedisBackend } from "../../../src/store/redis/redis-backend.ts";
import type { StoreBackend } from "../../../src/store/store-backend.ts";
import { describeStoreBackend, everyCall } from "../../conformance/store-backend.suite.ts";
import { type Certificates, createCertificates, tlsSettings } from "../../support/certificates.ts";
import { createDocumentedUser } from "../../support/redis-access-rules.ts";
import { type RedisCluster, startRedisCluster } from "../../support/redis-cluster.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { createHandClock } from "../../support/store-hand-clock.ts";
import { createRecordedLog } from "../../support/store-log.ts";

const UNAVAILABLE = { name: "GatewayError", code: "store_unavailable" };
/** As hostile to a URL as passwords come. */
const PASSWORD = "p@ss/w:ör%d#?,";
const CREDENTIALS = `stategate:${encodeURIComponent(PASSWORD)}@`;
const LONGEST_WAIT_MS = 200;

const optionsOf = (clock = Date.now) => ({
  clock,
  log: createRecordedLog().log,
  commandTimeoutMs: 5_000,
  keyPrefix: "test:",
});

describeWithRedis("Redis with TLS and a user of few rights", () => {
  let certificates: Certificates;
  let server: RedisServer;
  let raw: Redis;
  let host: string;
  beforeAll(async () => {
    certificates = await createCertificates();
    const port = await findFreePort();
    server = await startRedisServer({ settings: tlsSettings(certificates, port) });
    host = `localhost:${port}`;
    raw = new Redis(server.url);
    await createDocumentedUser(raw, "test:", PASSWORD);
  });
  afterAll(async () => {
    raw.disconnect();
    await server.stop();
    await certificates.remove();
  });

  const files = ({ ca, cert, key }: Certificates): string => `tlsCa=${ca}&tlsCert=${cert}&tlsKey=${key}`;
  const open = (url: string): Promise<StoreBackend> => openRedisBackend({ url, ...optionsOf() });

  describeStoreBackend("redis over TLS as the documented user", {
    async open() {
      const clock = createHandClock();
      const url = `rediss://${CREDENTIALS}${host}?${files(certificates)}`;
      return {
        backend: await openRedisBackend({ url, ...optionsOf(clock.now) }),
        now: clock.now,
        async elapse(ms) {
          clock.advance(ms);
          if (ms > 0 && ms <= LONGEST_WAIT_MS) await pause(ms + 20);
        },
      };
    },
  });

  it("the suite above was refused nothing", async () => {
    const refused = (await raw.call("ACL", "LOG")) as unknown[];
    expect(refused).toEqual([]);
  });

  it("a certificate of an unknown CA, or for another name, is not trusted", async () => {
    const { cert, key } = certificates;
    const withoutCa = open(`rediss://${CREDENTIALS}${host}?tlsCert=${cert}&tlsKey=${key}`);
    await expect(withoutCa).rejects.toMatchObject({ ...UNAVAILABLE, message: expect.stringMatching(/certificate/) });
    const otherName = open(`rediss://${CREDENTIALS}${host.replace("localhost", "127.0.0.2")}?${files(certificates)}`);
    await expect(otherName).rejects.toMatchObject(UNAVAILABLE);
  });

  it("a file of TLS that is not there is a mistake that says which", async () => {
    const missing = open(`rediss://${CREDENTIALS}${host}?tlsCa=/nowhere/ca.pem`);
    await expect(missing).rejects.toThrow(new TypeError("store rediss: cannot read tlsCa: ENOENT, /nowhere/ca.pem"));
  });

  it("what the user may not do is said, and nothing says the password", async () => {
    await raw.call("ACL", "SETUSER", "narrow", "on", `>${PASSWORD}`, "~test:*", "+@all", "-hmget", "-evalsha", "-eval");
    const plain = server.url.replace("//", `//narrow:${encodeURIComponent(PASSWORD)}@`);
    const backend = await open(plain);
    const refused = await backend.sessions.load("any").catch((cause: unknown) => cause);
    expect(refused).toMatchObject({ ...UNAVAILABLE, message: expect.stringContaining("NOPERM") });
    await backend.close();
    const wrong = plain.replace("narrow:", "narrow:hunter2");
    const rejected = await open(wrong).catch((cause: unknown) => cause);
    expect(rejected).toMatchObject({ ...UNAVAILABLE, message: expect.stringContaining("WRONGPASS") });
    for (const error of [refused, rejected]) expect(inspect(error, { depth: 9 })).not.toMatch(/hunter2|p@ss|w:ör/);
  });

  it("a user who may read another prefix only is refused", async () => {
    const url = `rediss://${CREDENTIALS}${host}?${files(certificates)}`;
    const foreign = openRedisBackend({ url, ...optionsOf(), keyPrefix: "other:" });
    await expect(foreign).rejects.toMatchObject({ ...UNAVAILABLE, message: expect.stringContaining("NOPERM") });
  });

  describe("in a cluster", () => {
    let cluster: RedisCluster;
    beforeAll(async () => {
      cluster = await startRedisCluster({ certificates });
      for (const node of cluster.nodes) await createDocumentedUser(node.raw, "stategate:", PASSWORD);
    });
    afterAll(() => cluster.stop());

    it("the documented user can do all that a gateway does", async () => {
      const url = `rediss+cluster://${CREDENTIALS}${cluster.tlsHosts}?${files(certificates)}`;
      const recorded = createRecordedLog();
      const backend = await openStore(url, { clock: Date.now, log: recorded.log });
      for (const call of everyCall(backend, Date.now())) await call();
      await backend.close();
      expect(recorded.events).toEqual(["redis_append_only_file_off"]);
      for (const { raw: node } of cluster.nodes) expect(await node.call("ACL", "LOG")).toEqual([]);
    });

    it("a wrong password is said", async () => {
      const url = `rediss+cluster://stategate:hunter2@${cluster.tlsHosts}?${files(certificates)}`;
      const error: unknown = await open(url).catch((cause: unknown) => cause);
      expect(error).toMatchObject({ ...UNAVAILABLE, message: expect.stringContaining("WRONGPASS") });
      expect(inspect(error, { depth: 9 })).not.toContain("hunter2");
    });
  });
});
