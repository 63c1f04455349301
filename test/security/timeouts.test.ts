/** S6: a session ends by the gateway's clock, to the millisecond, whatever the store's own clock says. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import { ask, freshSession, onSession, send, sendChat } from "../support/http-calls.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { createHandClock, type HandClock } from "../support/store-hand-clock.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";
import { masterKeys } from "../support/test-master-keys.ts";

const IDLE_MS = 600_000;
const ABSOLUTE_MS = 1_800_000;

let upstream: SimulatedUpstream;
beforeAll(async () => void (upstream = await startSimulatedUpstream()));
afterAll(() => upstream.close());

function define(address: () => string): void {
  let clock: HandClock;
  let gateway: TestGateway;
  beforeAll(async () => {
    clock = createHandClock();
    gateway = await startTestGateway({
      upstream,
      clock: clock.now,
      env: {
        ...(address() !== "" && { STATEGATE_STORE: address() }),
        ...masterKeys,
        STATEGATE_SESSIONS__TTL__SECONDS: String(IDLE_MS / 1000),
        STATEGATE_SESSIONS__ABSOLUTE_SECONDS: String(ABSOLUTE_MS / 1000),
      },
    });
  });
  afterAll(() => gateway.close());

  const talk = async (session: string): Promise<string | null> => {
    const { headers } = await sendChat(gateway, ask("[[len:1]]"), { headers: onSession(session) });
    return headers.get("x-history-mode");
  };
  const routes = ["", "/messages"];
  const statuses = async (session: string): Promise<number[]> => {
    const answers = await Promise.all(routes.map((path) => send(gateway, `/sessions/${session}${path}`)));
    const rotated = await send(gateway, `/sessions/${session}/rotate`, { method: "POST" });
    return [...answers.map(({ status }) => status), rotated.status];
  };

  it("is there a millisecond before its idle time is over, and gone a millisecond after", async () => {
    for (const [advance, expected] of [
      [IDLE_MS - 1, 200],
      [IDLE_MS + 1, 404],
    ] as const) {
      const session = freshSession();
      await talk(session);
      clock.advance(advance);
      expect(await statuses(session)).toEqual([expected, expected, expected]);
    }
  });

  it("is there a millisecond before its absolute time is over, and gone a millisecond after", async () => {
    for (const [last, expected] of [
      [IDLE_MS - 1, 200],
      [IDLE_MS + 1, 404],
    ] as const) {
      const session = freshSession();
      const startedAt = clock.now();
      expect(await talk(session)).toBe("new");
      while (clock.now() - startedAt < ABSOLUTE_MS - IDLE_MS) {
        clock.advance(IDLE_MS / 2);
        expect(await talk(session)).toBe("delta");
      }
      clock.advance(last);
      expect(await statuses(session)).toEqual([expected, expected, expected]);
      expect(await talk(session)).toBe(expected === 404 ? "new" : "delta");
    }
  });

  it("begins anew after its end, and remembers nothing of before", async () => {
    const session = freshSession();
    await talk(session);
    clock.advance(IDLE_MS + 1);
    expect(await talk(session)).toBe("new");
    const { data } = (await send(gateway, `/sessions/${session}/messages`)).json<{ data: unknown[] }>();
    expect(data).toHaveLength(2);
  });
}

describe("a session in memory", () => define(() => "memory:"));
describe("a session in SQLite", () => define(() => ""));
describeWithRedis("a session in Redis, whose own clock stands still meanwhile", () => {
  let redis: RedisServer;
  beforeAll(async () => void (redis = await startRedisServer()));
  afterAll(() => redis.stop());
  define(() => redis.url);
});
