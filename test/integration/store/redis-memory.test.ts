/** What a turn and a session cost in Redis' memory, as a gateway writes them. Prints the figures of docs/stores/redis.md. */
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, it } from "vitest";

import { ask, said } from "../../support/fault-client.ts";
import { inCiOrProving } from "../../support/prove.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { startTestGateway, type TestGateway } from "../../support/test-gateway.ts";
import { masterKeys } from "../../support/test-master-keys.ts";

const TURNS = 20;
const SESSIONS = inCiOrProving(5, 100);
const WORDS_ASKED = 40;
const WORDS_ANSWERED = 120;
const QUESTION = `[[len:${WORDS_ANSWERED}]] ${Array.from({ length: WORDS_ASKED }, (_, at) => `about${at}`).join(" ")}`;
const ANSWER = Array.from({ length: WORDS_ANSWERED }, (_, at) => `word${at}`).join(" ");

let redis: RedisServer;
let gateway: TestGateway;
let raw: Redis;
beforeEach(async () => {
  redis = await startRedisServer();
  gateway = await startTestGateway({ env: { STATEGATE_STORE: redis.url, ...masterKeys } });
  raw = new Redis(redis.url);
});
afterEach(async () => {
  raw.disconnect();
  await gateway.close();
  await redis.stop();
});

async function say(session: string, turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    const { status } = await ask(gateway.url, { session, messages: [said(`${turn} ${QUESTION}`)] });
    expect(status).toBe(200);
  }
}

const sessionKeys = (): Promise<string[]> => raw.keys("stategate:session:*");

/** Sums over all sessions. */
async function memoryUsage(): Promise<number> {
  const sizes = await Promise.all((await sessionKeys()).map((key) => raw.memory("USAGE", key, "SAMPLES", 0)));
  return sizes.reduce<number>((sum, size) => sum + Number(size), 0);
}

const usedMemory = async (): Promise<number> => Number(/^used_memory:(\d+)/m.exec(await raw.info("memory"))?.[1]);

describeWithRedis("the memory of Redis", () => {
  it("a turn takes its text and a few hundred bytes, and a session some kilobytes", async () => {
    const sessions = Array.from({ length: SESSIONS }, (_, at) => `session-${at}`);
    const usedBefore = await usedMemory();
    for (const session of sessions) await say(session, 1);
    const atFirst = await memoryUsage();
    for (const session of sessions) await say(session, TURNS);
    const perTurn = ((await memoryUsage()) - atFirst) / SESSIONS / TURNS;
    const perSession = atFirst / SESSIONS - perTurn;
    const used = ((await usedMemory()) - usedBefore) / SESSIONS / (TURNS + 1);
    const sealed = await raw.hstrlen((await sessionKeys())[0] ?? "", `t:${TURNS}`);
    const text = QUESTION.length + ANSWER.length;
    const figures = [
      `text of a turn ${text} bytes, sealed ${sealed}`,
      `a turn takes ${perTurn.toFixed(0)}, a session besides ${perSession.toFixed(0)}`,
      `used_memory grew by ${used.toFixed(0)} a turn, sessions included`,
    ];
    process.stdout.write(`${SESSIONS} sessions of ${TURNS + 1} turns: ${figures.join("; ")}\n`);
    expect(perTurn).toBeLessThan(text + 1_000);
    expect(perSession).toBeLessThan(8_192);
  });
});
