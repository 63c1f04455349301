/** Stores that answer late, now and then, or read but do not write: the failure table over HTTP, and what the log says of it. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import { answered, ask, degradedCounts, errorCodes, said, textOf, transcript } from "../support/fault-client.ts";
import { type GatewayProcess, startGatewayProcess } from "../support/gateway-process.ts";
import { eventsOf, expectTurnAbout } from "../support/log-lines.ts";
import { waitUntilDelivered } from "../support/outbox-metrics.ts";
import { createTalker } from "../support/persistent-talkers.ts";
import { inCiOrProving } from "../support/prove.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { startStoreProxy, type StoreProxy } from "../support/store-proxy.ts";
import { createTempFolder, type TempFolder } from "../support/store-temp-folder.ts";
import { masterKeys } from "../support/test-master-keys.ts";

const SESSION = "one";
const TIMEOUT_MS = 500;
const SLOW_MS = 1_000;
const FLAPS = inCiOrProving(3, 60);
const FLAP_MS = 1_000;

let upstream: SimulatedUpstream;
let folder: TempFolder;
let gateway: GatewayProcess;
beforeEach(async () => {
  upstream = await startSimulatedUpstream({ tokenDelayMs: 1 });
  folder = await createTempFolder();
});
afterEach(async () => {
  await gateway.kill();
  await upstream.close();
  await folder.remove();
});

const start = (env: Readonly<Record<string, string>>): Promise<GatewayProcess> =>
  startGatewayProcess({ STATEGATE_UPSTREAM_URL: upstream.url, ...env });
const take = (name: string, stream = false) =>
  ask(gateway.url, { session: SESSION, stream, messages: [said(`${name} [[len:1]]`)] });
const turn = (name: string): string[] => [`user: ${name} [[len:1]]`, "assistant: word0"];

async function takeUntilStored(name: string): Promise<void> {
  let tries = 0;
  await vi.waitFor(
    async () => {
      // As an SDK does: a try that was stored although it failed is not asked again.
      const headers = { "x-stainless-retry-count": String(tries++) };
      const answer = await ask(gateway.url, { session: SESSION, headers, messages: [said(`${name} [[len:1]]`)] });
      expect({ status: answer.status, codes: errorCodes(answer) }).toEqual({ status: 200, codes: [] });
    },
    { timeout: 30_000, interval: 100 },
  );
}

describeWithRedis("a Redis behind a network in trouble", () => {
  let redis: RedisServer;
  let proxy: StoreProxy;
  let env: Readonly<Record<string, string>>;
  beforeEach(async () => {
    redis = await startRedisServer({ appendOnly: true });
    proxy = await startStoreProxy(redis.port);
    env = {
      ...masterKeys,
      STATEGATE_STORE: `redis://127.0.0.1:${proxy.port}`,
      STATEGATE_STORE__TIMEOUT_MS: String(TIMEOUT_MS),
    };
  });
  afterEach(async () => {
    await gateway.kill();
    await proxy.close();
    await redis.stop();
  });

  it("slow: delta is refused, replay forwarded and reconciled later, and each change is one line in the log", async () => {
    gateway = await start(env);
    await take("before");
    const asked = upstream.log.length;
    proxy.slowDown(SLOW_MS);
    for (let request = 0; request < 8; request += 1) {
      const refused = await take("refused");
      expect({ status: refused.status, codes: errorCodes(refused), retry: refused.headers["retry-after"] }).toEqual({
        status: 503,
        codes: ["store_unavailable"],
        retry: "1",
      });
    }
    expect(upstream.log.length).toBe(asked);
    const messages = [said("before [[len:1]]"), answered("word0"), said("more [[len:1]]")];
    const forwarded = await ask(gateway.url, { session: SESSION, stream: true, messages });
    expect({ status: forwarded.status, text: textOf(forwarded) }).toEqual({ status: 200, text: "word0" });
    expect(forwarded.headers["x-session-degraded"]).toBe("load_failed");
    expect(await degradedCounts(gateway.origin)).toMatchObject({ load_failed: 9 });
    proxy.slowDown(0);
    await vi.waitFor(
      async () => {
        const longer = [...messages, answered("word0"), said("last [[len:1]]")];
        const next = await ask(gateway.url, { session: SESSION, messages: longer });
        expect(next.headers["x-history-mode"]).toBe("replay");
      },
      { timeout: 15_000, interval: 100 },
    );
    expect(await transcript(gateway.url, SESSION)).toEqual([...turn("before"), ...turn("more"), ...turn("last")]);
    expectTurnAbout(gateway, "store_circuit_opened", "store_circuit_closed");
    expect(eventsOf(gateway)).toContain("store_circuit_closed");
    expect(gateway.output()).not.toContain("request failed");
  });

  it("flapping, with an outbox: every answer that ended well is there in the end, in order and once", async () => {
    gateway = await start({ ...env, STATEGATE_STORE__OUTBOX: join(folder.path, "outbox.db") });
    const talkers = Array.from({ length: 4 }, createTalker);
    let isOver = false;
    const talking = Promise.all(talkers.map((talker) => talker.talk(gateway.url, () => isOver)));
    for (let flap = 0; flap < FLAPS; flap += 1) {
      await pause(FLAP_MS);
      proxy.cut();
      await pause(FLAP_MS);
      proxy.connect();
    }
    isOver = true;
    await talking;
    await waitUntilDelivered(gateway);
    const problems: string[] = [];
    for (const talker of talkers) {
      const found = await vi.waitFor(() => talker.check(gateway.url), { timeout: 15_000, interval: 100 });
      problems.push(...found);
    }
    expect(problems).toEqual([]);
    const { append_deferred: deferred = 0 } = await degradedCounts(gateway.origin);
    expectTurnAbout(gateway, "store_circuit_opened", "store_circuit_closed");
    expectTurnAbout(gateway, "outbox_filling", "outbox_emptied");
    const acknowledged = talkers.flatMap(({ turns }) => turns).filter((said) => said.acknowledged).length;
    process.stdout.write(`${FLAPS} flaps: ${acknowledged} turns acknowledged, ${deferred} of them by the outbox\n`);
  });

  const tell = async (command: string, ...given: string[]): Promise<void> => {
    const operator = new Redis(redis.url);
    await operator.call(command, ...given);
    operator.disconnect();
  };
  it.each([
    {
      trouble: "a replica that takes no writes",
      begin: () => tell("REPLICAOF", "127.0.0.1", "1"),
      end: () => tell("REPLICAOF", "NO", "ONE"),
    },
    {
      trouble: "full",
      begin: () => tell("CONFIG", "SET", "maxmemory", "1"),
      end: () => tell("CONFIG", "SET", "maxmemory", "0"),
    },
  ])("$trouble: the turn is refused whole, and the session goes on afterwards", async ({ begin, end }) => {
    gateway = await start(env);
    await take("before");
    await begin();
    for (const stream of [false, true, false]) {
      const lost = await take("lost", stream);
      expect(errorCodes(lost)).toHaveLength(1);
      expect(["append_failed", "store_unavailable"]).toContain(errorCodes(lost)[0]);
      expect(lost.events).not.toContain("[DONE]");
      expect(stream || lost.status === 503).toBe(true);
    }
    await end();
    await takeUntilStored("after");
    expect(await transcript(gateway.url, SESSION)).toEqual([...turn("before"), ...turn("after")]);
    expectTurnAbout(gateway, "store_circuit_opened", "store_circuit_closed");
    expectTurnAbout(gateway, "audit_log_failing", "audit_log_recovered");
  });
});

const hasPrlimit = spawnSync("prlimit", ["--version"]).status === 0;

describe.skipIf(!hasPrlimit)("a SQLite file on a disk in trouble", () => {
  it("full: answers end in an error, nothing is half stored, and the session goes on when there is room", async () => {
    gateway = await start({
      STATEGATE_STORE: `sqlite:${join(folder.path, "stategate.db")}`,
      STATEGATE_STORE__TIMEOUT_MS: "20000",
    });
    await take("before");
    limitFileSize(gateway.pid, "1");
    for (const stream of [false, true]) {
      const lost = await take("lost", stream);
      expect(errorCodes(lost)).toEqual(["append_failed"]);
      expect(lost.events).not.toContain("[DONE]");
    }
    expect(await transcript(gateway.url, SESSION)).toEqual(turn("before"));
    limitFileSize(gateway.pid, "unlimited");
    await takeUntilStored("after");
    expect(await transcript(gateway.url, SESSION)).toEqual([...turn("before"), ...turn("after")]);
  });
});

/** The soft limit alone, so that it can be lifted again. A write beyond it fails as on a full disk. */
function limitFileSize(pid: number, bytes: string): void {
  const { status } = spawnSync("prlimit", ["--pid", String(pid), `--fsize=${bytes}:unlimited`]);
  if (status !== 0) throw new Error("prlimit failed");
}
