import { setTimeout as pause } from "node:timers/promises";

import { afterAll, beforeAll } from "vitest";

import { openRedisBackend } from "../../../src/store/redis/redis-backend.ts";
import { describeStoreBackend } from "../../conformance/store-backend.suite.ts";
import { type RedisCluster, startRedisCluster } from "../../support/redis-cluster.ts";
import { describeWithRedis } from "../../support/redis-server.ts";
import { createHandClock } from "../../support/store-hand-clock.ts";
import { createRecordedLog } from "../../support/store-log.ts";

/** Leases go by the servers' clocks, so a test that lets one run out truly waits; nothing else waits. */
const LONGEST_WAIT_MS = 200;

describeWithRedis("with a Redis cluster of three nodes", () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster.stop());

  describeStoreBackend("redis cluster", {
    async open() {
      const clock = createHandClock();
      const { log } = createRecordedLog();
      const options = { clock: clock.now, log, commandTimeoutMs: 5_000, keyPrefix: "test:" };
      return {
        backend: await openRedisBackend({ url: cluster.url, ...options }),
        now: clock.now,
        async elapse(ms) {
          clock.advance(ms);
          if (ms > 0 && ms <= LONGEST_WAIT_MS) await pause(ms + 20);
        },
      };
    },
  });
});
