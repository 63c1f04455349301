/** Limits that replicas share: three gateways over one Redis, and three limiters over each kind of store. */
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { createLimiter } from "../../src/limits/create-limiter.ts";
import type { Limits } from "../../src/limits/limits.ts";
import { openStore } from "../../src/store/open-store.ts";
import { ask, chatsOf, onSession, sendChat } from "../support/http-calls.ts";
import { inCiOrProving } from "../support/prove.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { createHandClock } from "../support/store-hand-clock.ts";
import { createTempFolder } from "../support/store-temp-folder.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";
import { masterKeys } from "../support/test-master-keys.ts";

const LIMIT = 20;
const BURST = 50;
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Three replicas, each with a connection of its own; bursts of one user each. Resolves to how many passed of each. */
async function bursts(address: string, limits: Limits, rounds: number): Promise<number[]> {
  // Servers with a clock of their own go by theirs: the windows of this one must not lie in the past.
  const clock = createHandClock();
  const stores = await Promise.all([0, 1, 2].map(() => openStore(address, { clock: clock.now, log: silent })));
  const limiters = stores.map(({ quotas, sessions }) =>
    createLimiter({
      limits,
      quotas,
      sessions,
      clock: clock.now,
      log: silent,
      onUnshared: () => {
        throw new Error("the store did not answer");
      },
      onExceeded: () => undefined,
    }),
  );
  const passed: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const principal = { owner: `user-${round}`, credential: undefined, limits: undefined };
    const attempts = Array.from({ length: BURST }, async (_, index) => limiters[index % 3]?.admit(principal));
    const results = await Promise.allSettled(attempts);
    passed.push(results.filter(({ status }) => status === "fulfilled").length);
  }
  for (const limiter of limiters) await limiter.close();
  for (const store of stores) await store.close();
  return passed;
}

const ROUNDS = inCiOrProving(5, 100);
const kinds: readonly (keyof Limits)[] = ["requestsPerMinute", "concurrentRequests"];

function describeBursts(name: string, address: () => string): void {
  it.each(kinds)(`of ${BURST} at once exactly ${LIMIT} pass, by %s (${name})`, async (kind) => {
    const passed = await bursts(address(), { [kind]: LIMIT }, ROUNDS);
    process.stdout.write(
      `${kind} over ${name}: ${ROUNDS} bursts of ${BURST} to 3 replicas, passed ${[...new Set(passed)].join(", ")}\n`,
    );
    expect(passed).toEqual(passed.map(() => LIMIT));
  });
}

describe("limiters over one SQLite file", () => {
  let folder: Awaited<ReturnType<typeof createTempFolder>>;
  beforeAll(async () => void (folder = await createTempFolder()));
  afterAll(() => folder.remove());
  describeBursts("sqlite", () => `sqlite:${join(folder.path, "limits.db")}`);
});

describeWithRedis("over one Redis", () => {
  let redis: RedisServer;
  let replicas: TestGateway[];
  beforeAll(async () => {
    redis = await startRedisServer();
    const env = {
      STATEGATE_STORE: redis.url,
      ...masterKeys,
      STATEGATE_STORE__TIMEOUT_MS: "10000",
      STATEGATE_LIMITS__REQUESTS_PER_MINUTE: String(LIMIT),
    };
    // One minute for all of them, however long the burst takes.
    const clock = createHandClock().now;
    const first = await startTestGateway({ env, clock });
    const more = [1, 2].map(() => startTestGateway({ env, clock, upstream: first.upstream }));
    replicas = [first, ...(await Promise.all(more))];
  });
  afterAll(async () => {
    for (const replica of replicas.toReversed()) await replica.close();
    await redis.stop();
  });

  describeBursts("redis", () => redis.url);

  it(`of ${BURST} requests at once to three gateways exactly ${LIMIT} reach the model`, async () => {
    const answers = await Promise.all(
      Array.from({ length: BURST }, (_, index) => {
        const gateway = replicas[index % 3];
        if (!gateway) throw new Error("no replica");
        return sendChat(gateway, ask("[[len:1]]", { stream: index % 2 === 0 }), {
          headers: onSession(`burst-${index}`),
        });
      }),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(LIMIT);
    expect(statuses.filter((status) => status === 429)).toHaveLength(BURST - LIMIT);
    expect(replicas.flatMap((replica, index) => (index === 0 ? chatsOf(replica) : []))).toHaveLength(LIMIT);
    for (const { headers } of answers.filter(({ status }) => status === 429)) {
      expect(Number(headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
      expect(Number(headers.get("retry-after"))).toBeLessThanOrEqual(60);
    }
  });

  it("when Redis freezes, no request hangs: each replica goes by its own count", async () => {
    const env = {
      STATEGATE_STORE: redis.url,
      ...masterKeys,
      STATEGATE_STORE__TIMEOUT_MS: "250",
      STATEGATE_LIMITS__REQUESTS_PER_MINUTE: "3",
    };
    const gateway = await startTestGateway({ env, clock: createHandClock().now });
    redis.freeze();
    const statuses: number[] = [];
    for (let index = 0; index < 5; index += 1) {
      statuses.push((await sendChat(gateway, ask("[[len:1]]"), { key: "sk-while-frozen" })).status);
    }
    const metrics = await gateway.metrics();
    redis.thaw();
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    expect(metrics).toMatch(/stategate_degraded\S*limits_unshared\S* \d/);
    await gateway.close();
  });
});
