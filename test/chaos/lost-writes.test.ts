/** A failover loses the newest commit of a session while a replica still holds it, and another replica goes on without. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, it } from "vitest";

import { ask, said, textOf, transcript } from "../support/fault-client.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";
import { masterKeys } from "../support/test-master-keys.ts";

const SESSION = "chat";

describeWithRedis("a session whose newest turn a failover has lost", () => {
  let redis: RedisServer;
  let raw: Redis;
  const gateways: TestGateway[] = [];
  const open = async (): Promise<TestGateway> => {
    const upstream = gateways[0]?.upstream;
    const env = { STATEGATE_STORE: redis.url, ...masterKeys };
    const gateway = await startTestGateway({ env, ...(upstream && { upstream }) });
    gateways.push(gateway);
    return gateway;
  };
  beforeAll(async () => {
    redis = await startRedisServer();
    raw = new Redis(redis.url);
  });
  afterAll(async () => {
    raw.disconnect();
    for (const gateway of gateways.toReversed()) await gateway.close();
    await redis.stop();
  });

  const talk = async (gateway: TestGateway, name: string): Promise<void> => {
    const messages = [said(`${name} [[len:1]]`)];
    expect(textOf(await ask(gateway.url, { session: SESSION, stream: false, messages }))).toBe("word0");
  };

  it("goes on from what was kept, on every replica, also on the one that knew the lost turn", async () => {
    const [knowing, other] = [await open(), await open()];
    await talk(knowing, "one");
    await talk(knowing, "two");
    const [key = ""] = await raw.keys("*session:*");
    const kept = await raw.dumpBuffer(key);
    await talk(knowing, "lost");
    await raw.restore(key, await raw.pttl(key), kept, "REPLACE");
    await talk(other, "instead");
    await talk(knowing, "next");
    await talk(other, "and on");
    const turns = ["one", "two", "instead", "next", "and on"];
    const expected = turns.flatMap((name) => [`user: ${name} [[len:1]]`, "assistant: word0"]);
    for (const gateway of [await open(), knowing, other]) {
      expect(await transcript(gateway.url, SESSION)).toEqual(expected);
    }
  });
});
