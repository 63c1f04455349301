/** Sudden death at random moments: what a client saw acknowledged is there afterwards, in order, once and whole. */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import { type GatewayProcess, startGatewayProcess } from "../support/gateway-process.ts";
import { createTalker, findBrokenPromises, type Talker } from "../support/persistent-talkers.ts";
import { inCiOrProving } from "../support/prove.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { createTempFolder, type TempFolder } from "../support/store-temp-folder.ts";
import { masterKeys } from "../support/test-master-keys.ts";

const TALKERS = 4;
const MAX_LIFE_MS = 400;
const SQLITE_KILLS = inCiOrProving(10, 200);
const REDIS_GATEWAY_KILLS = inCiOrProving(4, 50);
const REDIS_SERVER_KILLS = inCiOrProving(3, 30);

/** Epochs end early, so that kills also hit cuts and the writing of summaries. */
const common = () => ({
  STATEGATE_UPSTREAM_URL: upstream.url,
  STATEGATE_HISTORY__HYBRID__KEEP_TURNS: "1",
  STATEGATE_HISTORY__FLOOR_TOKENS: "0",
  STATEGATE_HISTORY__SUMMARY__MAX_TOKENS: "60",
});

let upstream: SimulatedUpstream;
let folder: TempFolder;
let talkers: Talker[];
beforeEach(async () => {
  upstream = await startSimulatedUpstream({ tokenDelayMs: 2, maxLoggedRequests: 10 });
  folder = await createTempFolder();
  talkers = Array.from({ length: TALKERS }, createTalker);
});
afterEach(async () => {
  await upstream.close();
  await folder.remove();
});

const randomLife = (): Promise<void> => pause(Math.random() * MAX_LIFE_MS);

/** One long-lived session per talker, and one that is born in this round. */
function talkAll(gateway: GatewayProcess, isOver: () => boolean): Promise<void[]> {
  talkers.push(createTalker());
  const active = [...talkers.slice(0, TALKERS), ...talkers.slice(-1)];
  return Promise.all(active.map((talker) => talker.talk(gateway.url, isOver)));
}

const acknowledged = (): number => talkers.flatMap(({ turns }) => turns).filter((turn) => turn.acknowledged).length;

async function killGatewayUnderLoad(env: Readonly<Record<string, string>>): Promise<void> {
  const gateway = await startGatewayProcess(env);
  const before = acknowledged();
  let isOver = false;
  const talking = talkAll(gateway, () => isOver);
  await vi.waitFor(() => expect(acknowledged()).toBeGreaterThan(before), { timeout: 30_000, interval: 5 });
  await randomLife();
  isOver = true;
  await gateway.kill();
  await talking;
}

async function expectPromisesKept(env: Readonly<Record<string, string>>, kills: number, what: string): Promise<void> {
  const gateway = await startGatewayProcess(env);
  const problems: string[] = [];
  for (const talker of talkers) problems.push(...(await talker.check(gateway.url)));
  await gateway.stop();
  const cutOff = talkers.flatMap(({ turns }) => turns).length - acknowledged();
  process.stdout.write(
    `${kills} kills of ${what}: ${acknowledged()} turns acknowledged, ${cutOff} cut off, ${problems.length} promises broken\n`,
  );
  expect(problems).toEqual([]);
  expect(acknowledged()).toBeGreaterThanOrEqual(kills);
}

describe("kill -9 of the gateway", () => {
  it("on SQLite: no acknowledged turn is lost, doubled, halved or moved", { timeout: 1_800_000 }, async () => {
    const env = {
      STATEGATE_STORE: `sqlite:${join(folder.path, "stategate.db")}`,
      STATEGATE_UPSTREAM_URL: upstream.url,
    };
    for (let kill = 0; kill < SQLITE_KILLS; kill += 1) await killGatewayUnderLoad(env);
    await expectPromisesKept(env, SQLITE_KILLS, "a gateway on SQLite");
  });
});

describeWithRedis("kill -9 with Redis", () => {
  let redis: RedisServer;
  const env = () => ({ ...common(), ...masterKeys, STATEGATE_STORE: redis.url });
  beforeEach(async () => {
    redis = await startRedisServer({ appendOnly: true });
  });
  afterEach(() => redis.stop());

  it("of the gateway: no acknowledged turn is lost, doubled, halved or moved", { timeout: 900_000 }, async () => {
    for (let kill = 0; kill < REDIS_GATEWAY_KILLS; kill += 1) await killGatewayUnderLoad(env());
    await expectPromisesKept(env(), REDIS_GATEWAY_KILLS, "a gateway on Redis");
  });

  it("of Redis, which syncs every write: the same, and the gateway goes on", { timeout: 900_000 }, async () => {
    const gateway = await startGatewayProcess(env());
    let isOver = false;
    const talking = talkAll(gateway, () => isOver);
    for (let kill = 0; kill < REDIS_SERVER_KILLS; kill += 1) {
      await randomLife();
      await redis.kill();
      await redis.restart();
      // Longer than an open circuit refuses, so that turns are acknowledged again before the next kill.
      await pause(1_500);
    }
    isOver = true;
    await talking;
    expect(await gateway.stop()).toBe(0);
    await expectPromisesKept(env(), REDIS_SERVER_KILLS, "Redis");
  });
});

describe("the check itself", () => {
  const turn = (text: string, acknowledged: boolean) => ({ text, reply: `re ${text}`, acknowledged });
  const stored = (...texts: string[]) => texts.flatMap((text) => [`user: ${text}`, `assistant: re ${text}`]);
  const turns = [turn("a", true), turn("b", false), turn("c", true)];

  it.each([
    { what: "all of it", lines: stored("a", "b", "c"), problems: 0 },
    { what: "all but what was cut off", lines: stored("a", "c"), problems: 0 },
    { what: "a lost turn", lines: stored("a", "b"), problems: 1 },
    { what: "a doubled turn", lines: stored("a", "a", "c"), problems: 5 },
    { what: "a moved turn", lines: stored("c", "a"), problems: 3 },
    { what: "half a turn", lines: [...stored("a"), "user: b", ...stored("c")], problems: 3 },
    { what: "an incomplete turn", lines: [...stored("a"), "user: b", "assistant: re", ...stored("c")], problems: 1 },
  ])("finds $what", ({ lines, problems }) => {
    expect(findBrokenPromises(turns, lines)).toHaveLength(problems);
  });
});
