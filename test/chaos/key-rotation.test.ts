/** Master keys rotated while two gateways answer: no request fails, and afterwards the new key alone opens everything. */
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { loadConfig } from "../../src/config/load-config.ts";
import { type SimulatedUpstream, startSimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import { openVault, type Vault } from "../../src/vault.ts";
import { runStategate } from "../support/command-process.ts";
import { ask, said, send, transcript } from "../support/fault-client.ts";
import { type GatewayProcess, startGatewayProcess } from "../support/gateway-process.ts";
import { inCiOrProving } from "../support/prove.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { createRecordedLog } from "../support/store-log.ts";
import { createTempFolder, type TempFolder } from "../support/store-temp-folder.ts";

const DATA_KEYS = inCiOrProving(300, 10_000);
const MIN_LOAD_MS = inCiOrProving(1_500, 15_000);
const REQUESTS_PER_SECOND = 200;
/** On a machine that is too slow for the pace, the pace falls. */
const MAX_WAITING = 64;
const TICK_MS = 50;
const USERS = 50;
const KEYS_AT_ONCE = 200;
const ADMIN_KEY = "admin-key-of-this-test";

const [old, fresh] = ["old", "new"].map((id) => `${id}:${randomBytes(32).toString("base64")}`) as [string, string];

let folder: TempFolder;
let upstream: SimulatedUpstream;
let store: string;
let gateways: GatewayProcess[] = [];
beforeEach(async () => {
  folder = await createTempFolder();
  upstream = await startSimulatedUpstream({ maxLoggedRequests: 10 });
});
afterEach(async () => {
  for (const gateway of gateways) await gateway.kill();
  await upstream.close();
  await folder.remove();
});

const envWith = (...masterKeys: string[]) => ({
  STATEGATE_STORE: store,
  STATEGATE_UPSTREAM_URL: upstream.url,
  STATEGATE_MASTER_KEYS: masterKeys.join(","),
  STATEGATE_IDENTITY__ADMIN_KEY: ADMIN_KEY,
  // A disk that is busy with other tests is slow; only what the rotation breaks shall fail.
  STATEGATE_STORE__TIMEOUT_MS: "20000",
});

async function withVault<T>(env: Readonly<Record<string, string>>, work: (vault: Vault) => Promise<T>): Promise<T> {
  const config = loadConfig({ env, cwd: folder.path });
  const vault = await openVault(config, { log: createRecordedLog().log, clock: Date.now });
  return work(vault).finally(() => vault.close());
}

/** As of users who came before: real data keys, under the master key of that time. */
async function makeDataKeys({ sealer }: Vault): Promise<void> {
  const identity = (owner: number) => ({ owner: `earlier-${owner}`, key: "session", incarnation: "0".repeat(32) });
  for (let from = 0; from < DATA_KEYS; from += KEYS_AT_ONCE) {
    const count = Math.min(KEYS_AT_ONCE, DATA_KEYS - from);
    await Promise.all(Array.from({ length: count }, (_, index) => sealer.forNewSession(identity(from + index))));
  }
}

interface Sent {
  readonly user: string;
  readonly text: string;
}

/** At a steady pace, to both gateways in turn; new users begin all the time. */
function startLoad(gateways: readonly GatewayProcess[]) {
  const sent: Sent[] = [];
  const failures: string[] = [];
  const running: Promise<void>[] = [];
  let [answered, slowestMs] = [0, 0];
  const send = async (index: number): Promise<void> => {
    const user = index % 10 === 0 ? `newcomer-${index}` : `user-${index % USERS}`;
    const text = `message ${index}`;
    const url = gateways[index % gateways.length]?.url ?? "";
    const askedAt = performance.now();
    const answer = await ask(url, { session: "chat", key: "sk-one", user, messages: [said(`${text} [[len:1]]`)] });
    const degraded = answer.headers["x-session-degraded"];
    if (answer.status !== 200 || degraded !== undefined) failures.push(`${answer.status} ${String(degraded)}`);
    slowestMs = Math.max(slowestMs, performance.now() - askedAt);
    sent.push({ user, text });
    answered += 1;
  };
  const startedAt = performance.now();
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / 1_000) * REQUESTS_PER_SECOND);
    while (running.length < due && running.length - answered < MAX_WAITING) running.push(send(running.length));
  }, TICK_MS);
  return {
    sent,
    async stop() {
      clearInterval(timer);
      const seconds = (performance.now() - startedAt) / 1_000;
      await Promise.all(running);
      return { failures, requests: running.length, perSecond: running.length / seconds, slowestMs };
    },
    elapsedMs: () => performance.now() - startedAt,
  };
}

async function expectAllReadable(gateway: GatewayProcess, sent: readonly Sent[]): Promise<void> {
  const byUser = Map.groupBy(sent, ({ user }) => user);
  for (const [user, messages] of byUser) {
    const lines = await transcript(gateway.url, "chat", { key: "sk-one", user });
    const stored = new Set(lines.filter((line) => line.startsWith("user: ")));
    for (const { text } of messages) expect(stored).toContain(`user: ${text} [[len:1]]`);
  }
}

async function rotateUnderLoad(what: string): Promise<void> {
  await withVault(envWith(old), makeDataKeys);
  const promoted = envWith(fresh, old);
  gateways = [await startGatewayProcess(promoted), await startGatewayProcess(promoted)];
  const load = startLoad(gateways);
  await expect.poll(() => load.sent.length, { timeout: 30_000 }).toBeGreaterThan(50);
  const rotationAt = performance.now();
  const { code, stdout, stderr } = await runStategate(["keys", "rotate"], promoted);
  const seconds = (performance.now() - rotationAt) / 1_000;
  await expect.poll(() => load.elapsedMs(), { timeout: 60_000 }).toBeGreaterThan(MIN_LOAD_MS);
  const { failures, requests, perSecond, slowestMs } = await load.stop();
  process.stdout.write(
    `keys rotate under ${perSecond.toFixed(0)} requests/s on two gateways on ${what}: ${requests} requests, ${failures.length} failed, the slowest ${slowestMs.toFixed(0)} ms; ${/\d+/.exec(stdout)?.[0]} keys rewrapped in ${seconds.toFixed(1)} s, process start included\n`,
  );
  expect(failures).toEqual([]);
  expect({ code, stderr: stderr.includes("rewrapped") }, stderr).toEqual({ code: 0, stderr: true });
  expect(Number(/^\d+/.exec(stdout)?.[0])).toBeGreaterThan(DATA_KEYS);
  expect(stdout).toContain("no longer needed: old");
  const listing = await send(`${gateways[0]?.origin}/admin/audit?event=crypt_keys_rotated`, {
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
  });
  expect(listing.body).toContain('"crypt_keys_rotated"');
  for (const gateway of gateways) expect(await gateway.stop()).toBe(0);
  await expectOldKeyRetired(load.sent);
}

async function expectOldKeyRetired(sent: readonly Sent[]): Promise<void> {
  const retired = envWith(fresh);
  const ids = await withVault(retired, async ({ store, keyring }) => {
    const rows = await store.records.list("data-key:", { limit: DATA_KEYS + sent.length });
    await Promise.all(rows.map(({ name, bytes }) => keyring.unwrap(name, bytes)));
    return rows.map(({ bytes }) => keyring.idOf(bytes));
  });
  expect(ids.length).toBeGreaterThan(DATA_KEYS + USERS / 2);
  expect(new Set(ids)).toEqual(new Set(["new"]));
  // What a container gets: a file, no variable.
  const { STATEGATE_MASTER_KEYS: line, ...others } = retired;
  const file = join(folder.path, "master-keys");
  await writeFile(file, `# since this test\n${line}\n`, { mode: 0o600 });
  const fileEnv = { ...others, STATEGATE_KEYS__MASTER_KEY_FILE: file, STATEGATE_PRODUCTION: "true" };
  const gateway = await startGatewayProcess(fileEnv);
  gateways.push(gateway);
  await expectAllReadable(gateway, sent);
  expect(await gateway.stop()).toBe(0);
}

const NAME = "under load fails no request, and the old key is needed by nothing afterwards";

describe("stategate keys rotate", () => {
  beforeEach(() => {
    store = `sqlite:${join(folder.path, "stategate.db")}`;
  });

  it(NAME, { timeout: 300_000 }, () => rotateUnderLoad("SQLite"));

  it("says what it cannot do: without the old key, and for a store inside the gateway's process", async () => {
    await withVault(envWith(old), async () => undefined);
    const without = await runStategate(["keys", "rotate"], envWith(fresh));
    expect(without).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining('"old"') });
    const inMemory = await runStategate(["keys", "rotate"], { ...envWith(fresh), STATEGATE_STORE: "memory:" });
    expect(inMemory).toMatchObject({ code: 1, stderr: expect.stringContaining("inside the gateway's process") });
    expect(await runStategate(["keys", "rotate", "--now"], envWith(old))).toMatchObject({ code: 2 });
  });
});

describeWithRedis("stategate keys rotate, with Redis,", () => {
  let redis: RedisServer;
  beforeEach(async () => {
    redis = await startRedisServer();
    store = redis.url;
  });
  afterEach(() => redis.stop());

  it(NAME, { timeout: 300_000 }, () => rotateUnderLoad("Redis"));
});
