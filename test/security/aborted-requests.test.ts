/** S12: a request that is broken off never leaves its answer to somebody else, as ChatGPT's did on 20 March 2023. */
import { randomInt } from "node:crypto";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import { ask, callerHeaders, said, send, type WireAnswer } from "../support/fault-client.ts";
import { createIsolationWorld, createUser, type User } from "../support/isolation-world.ts";
import { inCiOrProving } from "../support/prove.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";
import { masterKeys } from "../support/test-master-keys.ts";

const USERS = 20;
const REQUESTS = inCiOrProving(1_500, 50_000);
const SESSIONS = Math.ceil(REQUESTS / 400);
const PART_ABORTED = 0.3;
const MAX_ABORT_MS = 12;

interface Act {
  readonly url: string;
  readonly user: User;
  /** Breaks the request off at a random moment: before its head, in its body, at its end. */
  readonly signal: AbortSignal | undefined;
}

const chatOf = ({ url, user, signal }: Act): Promise<WireAnswer> =>
  ask(url, {
    ...user,
    session: `chat-${randomInt(SESSIONS)}`,
    stream: Math.random() < 0.5,
    messages: [said(`${user.canary} ${"and more of it ".repeat(randomInt(20))}`)],
    ...(signal && { signal }),
  });
const readOf = ({ url, user, signal }: Act): Promise<WireAnswer> => {
  const path = ["/sessions", "/sessions?limit=20", `/sessions/chat-${randomInt(SESSIONS)}/messages`][randomInt(3)];
  return send(`${url}${path}`, { headers: callerHeaders(user), signal });
};

/** Leaves at a random time, sometimes at once; resolves the signal and what must be cleaned up. */
function leavingSoon(): AbortSignal {
  return AbortSignal.timeout(randomInt(MAX_ABORT_MS + 1));
}

function defineAborts(store: string, address: () => string): void {
  let upstream: SimulatedUpstream;
  let gateway: TestGateway;
  beforeAll(async () => {
    upstream = await startSimulatedUpstream({ maxLoggedRequests: 200_000, tokenDelayMs: 0 });
    gateway = await startTestGateway({
      upstream,
      env: {
        ...(address() !== "" && { STATEGATE_STORE: address() }),
        ...masterKeys,
        STATEGATE_STORE__TIMEOUT_MS: "10000",
        STATEGATE_HISTORY__STRATEGY: "window",
      },
    });
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  it(`shows no user a byte of another in ${REQUESTS} requests, 30 % broken off`, { timeout: 1_800_000 }, async () => {
    const users = Array.from({ length: USERS }, (_, index) =>
      createUser(`user ${index} on ${store}`, `sk-tenant-${index % 4}`, `user-${index}`),
    );
    const world = createIsolationWorld(users);
    let aborted = 0;
    let answered = 0;
    const act = async (user: User): Promise<void> => {
      for (let count = 0; count < REQUESTS / USERS; count += 1) {
        const leaves = Math.random() < PART_ABORTED;
        const request = { url: gateway.url, user, signal: leaves ? leavingSoon() : undefined };
        const answer = await (Math.random() < 0.7 ? chatOf(request) : readOf(request));
        if (!answer.whole) aborted += 1;
        if (answer.status === 200) answered += 1;
        // On a busy machine a store may be late; nobody may be shown anything then either.
        if (!leaves) expect([200, 404, 503], answer.body).toContain(answer.status);
        world.inspect(user, "answer", answer);
      }
    };
    await Promise.all(users.map(act));
    world.inspectUpstream(upstream);
    process.stdout.write(
      `broken off on ${store}: ${REQUESTS} requests of ${USERS} users, ${aborted} broken off, ${answered} answered, ` +
        `${world.crossings.length} crossings\n`,
    );
    expect(aborted).toBeGreaterThan(REQUESTS * 0.02);
    expect(world.crossings).toEqual([]);
  });
}

describe("on memory", () => defineAborts("memory", () => "memory:"));
describe("on SQLite", () => defineAborts("SQLite", () => ""));
describeWithRedis("on Redis", () => {
  let redis: RedisServer;
  beforeAll(async () => void (redis = await startRedisServer()));
  afterAll(() => redis.stop());
  defineAborts("Redis", () => redis.url);
});
