/** Sudden death at random moments: what a client saw acknowledged is there afterwards, in order, once and whole. */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import { type GatewayProcess, startGatewayProcess } from "../support/gateway-process.ts";
import { waitUntilDelivered } from "../support/outbox-metrics.ts";
import { createTalker, findBrokenPromises, type Talker } from "../support/persistent-talkers.ts";
import { inCiOrProving } from "../support/prove.ts";
import { type StartedStore, storeKinds } from "../support/store-kinds.ts";
import { createTempFolder, type TempFolder } from "../support/store-temp-folder.ts";

const TALKERS = 4;
const MAX_LIFE_MS = 400;
const GATEWAY_KILLS = inCiOrProving(5, 200);
const STORE_KILLS = inCiOrProving(3, 100);
const OUTBOX_KILLS = inCiOrProving(3, 100);

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

/** Epochs end early, so that kills also hit cuts and the writing of summaries. */
const envOf = (store: StartedStore): Readonly<Record<string, string>> => ({
  STATEGATE_UPSTREAM_URL: upstream.url,
  STATEGATE_HISTORY__HYBRID__KEEP_TURNS: "1",
  STATEGATE_HISTORY__FLOOR_TOKENS: "0",
  STATEGATE_HISTORY__SUMMARY__MAX_TOKENS: "60",
  ...store.env,
});

const randomLife = (): Promise<void> => pause(Math.random() * MAX_LIFE_MS);

/** One long-lived session per talker, and one that is born in this round. */
function talkAll(gateway: GatewayProcess, isOver: () => boolean): Promise<void[]> {
  talkers.push(createTalker());
  const active = [...talkers.slice(0, TALKERS), ...talkers.slice(-1)];
  return Promise.all(active.map((talker) => talker.talk(gateway.url, isOver)));
}

const acknowledged = (): number => talkers.flatMap(({ turns }) => turns).filter((turn) => turn.acknowledged).length;

/** @param trouble what befalls the gateway's world before the gateway itself is killed */
async function killGatewayUnderLoad(
  env: Readonly<Record<string, string>>,
  trouble: (gateway: GatewayProcess) => Promise<void> = async () => undefined,
): Promise<void> {
  const gateway = await startGatewayProcess(env);
  const before = acknowledged();
  let isOver = false;
  const talking = talkAll(gateway, () => isOver);
  await vi.waitFor(() => expect(acknowledged()).toBeGreaterThan(before), { timeout: 30_000, interval: 5 });
  await trouble(gateway);
  await randomLife();
  isOver = true;
  await gateway.kill();
  await talking;
}

async function expectPromisesKept(env: Readonly<Record<string, string>>, kills: number, what: string): Promise<void> {
  const gateway = await startGatewayProcess(env);
  if ("STATEGATE_STORE__OUTBOX" in env) await waitUntilDelivered(gateway);
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

for (const kind of storeKinds.filter(({ isDurable }) => isDurable)) {
  kind.describe(`kill -9 with ${kind.name}`, () => {
    let store: StartedStore;
    beforeEach(async () => {
      store = await kind.start(folder.path);
    });
    afterEach(() => store.stop());

    it("of the gateway: no acknowledged turn is lost, doubled, halved or moved", { timeout: 1_800_000 }, async () => {
      for (let kill = 0; kill < GATEWAY_KILLS; kill += 1) await killGatewayUnderLoad(envOf(store));
      await expectPromisesKept(envOf(store), GATEWAY_KILLS, `a gateway on ${kind.name}`);
    });

    if (!kind.hasServer) return;

    it("of the store, which syncs every write: the same, and the gateway goes on", { timeout: 900_000 }, async () => {
      const gateway = await startGatewayProcess(envOf(store));
      let isOver = false;
      const talking = talkAll(gateway, () => isOver);
      for (let kill = 0; kill < STORE_KILLS; kill += 1) {
        await randomLife();
        await store.server?.kill();
        await store.server?.restart();
        // Longer than an open circuit refuses, so that turns are acknowledged again before the next kill.
        await pause(1_500);
      }
      isOver = true;
      await talking;
      expect(await gateway.stop()).toBe(0);
      await expectPromisesKept(envOf(store), STORE_KILLS, kind.name);
    });

    it("of the store, and then of the gateway whose outbox holds turns: the same", { timeout: 900_000 }, async () => {
      const env = { ...envOf(store), STATEGATE_STORE__OUTBOX: join(folder.path, "outbox.db") };
      let keptWaiting = 0;
      for (let kill = 0; kill < OUTBOX_KILLS; kill += 1) {
        await killGatewayUnderLoad(env, async (gateway) => {
          await store.server?.kill();
          const before = acknowledged();
          await vi
            .waitFor(() => expect(acknowledged()).toBeGreaterThan(before), { timeout: 5_000 })
            .catch(() => undefined);
          if (gateway.output().includes("outbox_filling")) keptWaiting += 1;
        });
        await store.server?.restart();
      }
      await expectPromisesKept(env, OUTBOX_KILLS, `${kind.name}, then of a gateway with an outbox`);
      expect(keptWaiting).toBeGreaterThan(0);
    });
  });
}

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
