/** A store that comes back empty, as Redis does that keeps nothing on disk: every replica goes on as the same gateway. */
import { generateKeySync } from "node:crypto";

import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { createLocalKeyring } from "../../src/sealing/local-keyring.ts";
import { parseMasterKeys } from "../../src/sealing/master-keys.ts";
import { ROOT_SECRET_NAME } from "../../src/sealing/root-secret.ts";
import { ask, degradedCounts, said, transcript } from "../support/fault-client.ts";
import { startGatewayProcess } from "../support/gateway-process.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { createRecordedLog, type RecordedLog } from "../support/store-log.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";
import { masterKeys } from "../support/test-master-keys.ts";

const ANSWER = "word0 word1";
const question = (name: string): string => `${name} [[len:2]]`;
const storedTurn = (name: string): string[] => [`user: ${question(name)}`, `assistant: ${ANSWER}`];

let redis: RedisServer;
let recorded: RecordedLog;
let replicas: TestGateway[];
beforeEach(async () => {
  redis = await startRedisServer();
  recorded = createRecordedLog();
  replicas = [];
});
afterEach(async () => {
  for (const replica of replicas.toReversed()) await replica.close();
  await redis.stop();
});

async function start(): Promise<TestGateway> {
  const [first] = replicas;
  const env = { STATEGATE_STORE: redis.url, ...masterKeys };
  const replica = await startTestGateway({
    env,
    log: recorded.log,
    ...(first && { upstream: first.upstream }),
  });
  replicas.push(replica);
  return replica;
}

const turn = (replica: TestGateway, session: string, name: string) =>
  ask(replica.url, { session, messages: [said(question(name))] });

/** Nothing was kept on disk. */
async function loseEverything(): Promise<void> {
  await redis.kill();
  await redis.restart();
}

const holdsRootSecret = async (): Promise<boolean> => {
  const client = new Redis(redis.url);
  const names = await client.keys("*root-secret*");
  await client.quit();
  return names.length > 0;
};

const untilNoticed = (): Promise<void> =>
  vi.waitFor(
    async () => {
      expect(await holdsRootSecret()).toBe(true);
      for (const { origin } of replicas) expect(await degradedCounts(origin)).toHaveProperty("store_lost");
    },
    { timeout: 20_000, interval: 50 },
  );

/** Under the same master keys, as a gateway makes it that starts on an empty store. */
async function replaceRootSecret(): Promise<void> {
  const keyring = createLocalKeyring(parseMasterKeys(masterKeys.STATEGATE_MASTER_KEYS));
  const client = new Redis(redis.url);
  const [name = ""] = await client.keys("*root-secret*");
  await client.hset(name, "b", await keyring.wrap(ROOT_SECRET_NAME, generateKeySync("hmac", { length: 256 })));
  await client.quit();
}

describeWithRedis("Redis comes back empty", () => {
  it("replicas that ran, and one that starts afterwards, know the same sessions", async () => {
    const [one, two] = [await start(), await start()];
    await turn(one, "before", "lost with the store");
    await turn(two, "before", "lost with it, too");
    await loseEverything();
    await untilNoticed();
    await turn(one, "after", "first");
    const late = await start();
    await turn(late, "after", "second");
    await turn(two, "after", "third");
    for (const replica of [one, two, late]) {
      expect(await transcript(replica.url, "after")).toEqual(["first", "second", "third"].flatMap(storedTurn));
      expect(await transcript(replica.url, "before")).toEqual([]);
    }
    expect(recorded.events).toContain("store_lost");
  });

  it("the first turn after it was noticed is remembered, of a user who had been here before, too", async () => {
    const [one, two] = [await start(), await start()];
    for (const replica of [one, two]) await turn(replica, "before", `through ${replica.origin}`);
    await loseEverything();
    await untilNoticed();
    for (const replica of [one, two]) {
      const session = `again-${replica.origin}`;
      const answer = await turn(replica, session, "after");
      expect(answer.headers["x-session-degraded"]).toBeUndefined();
      expect(await transcript(replica.url, session)).toEqual(storedTurn("after"));
    }
  });

  it("and another gateway made a root secret first: this one ends, and says why, so that it is started anew", async () => {
    const { upstream } = await start();
    const process = await startGatewayProcess({
      STATEGATE_STORE: redis.url,
      STATEGATE_UPSTREAM_URL: upstream.url,
      ...masterKeys,
    });
    await replaceRootSecret();
    expect(await process.ended).toBe(1);
    expect(process.output()).toContain('"msg":"root_secret_replaced"');
  });
});
