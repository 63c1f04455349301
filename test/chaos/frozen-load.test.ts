/** A store that freezes under a steady stream of clients who bring their history, with some who do not between them. */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { afterEach, beforeEach, expect, it } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import { answered, ask, errorCodes, said, textOf, type WireAnswer } from "../support/fault-client.ts";
import { type GatewayProcess, startGatewayProcess } from "../support/gateway-process.ts";
import { eventsOf, expectTurnAbout } from "../support/log-lines.ts";
import { inCiOrProving } from "../support/prove.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { createTempFolder, type TempFolder } from "../support/store-temp-folder.ts";
import { masterKeys } from "../support/test-master-keys.ts";

const TIMEOUT_MS = 250;
const EVERY_MS = 10;
const CALM_MS = inCiOrProving(1_000, 5_000);
const FROZEN_MS = inCiOrProving(4_000, 60_000);
const WARM_UP = 200;
const SETTLE_MS = 50;
/** Every so many clients one brings only what is new. */
const DELTA_EVERY = 10;
const isProving = inCiOrProving(0, 1) === 1;

interface Timed {
  readonly answer: WireAnswer;
  readonly kind: "replay" | "delta";
  readonly whileFrozen: boolean;
  readonly ms: number;
}

let redis: RedisServer;
let upstream: SimulatedUpstream;
let folder: TempFolder;
let gateway: GatewayProcess;
beforeEach(async () => {
  redis = await startRedisServer({ appendOnly: true });
  upstream = await startSimulatedUpstream({ maxLoggedRequests: 100_000 });
  folder = await createTempFolder();
});
afterEach(async () => {
  redis.thaw();
  await gateway.kill();
  await redis.stop();
  await upstream.close();
  await folder.remove();
});

/** A client's request: a conversation of its own, so far on that it can be told from every other. */
async function send(index: number, isFrozen: () => boolean): Promise<Timed> {
  const kind = index % DELTA_EVERY === 0 ? "delta" : "replay";
  const history = kind === "replay" ? [said("hello [[len:2]]"), answered("word0 word1")] : [];
  const startedAt = performance.now();
  const startedFrozen = isFrozen();
  const answer = await ask(gateway.url, {
    session: `load-${index}`,
    stream: true,
    messages: [...history, said(`${kind} ${startedFrozen ? "frozen" : "calm"} ${index} [[len:2]]`)],
  });
  return { answer, kind, whileFrozen: startedFrozen && isFrozen(), ms: performance.now() - startedAt };
}

async function sendSteadily(forMs: number, isFrozen: () => boolean): Promise<Timed[]> {
  const startedAt = performance.now();
  const sent: Promise<Timed>[] = [];
  while (performance.now() - startedAt < forMs) {
    // Open loop: who is late sends all that is due, as that many clients would.
    const due = Math.floor((performance.now() - startedAt) / EVERY_MS);
    while (sent.length <= due) sent.push(send(requests++, isFrozen));
    await pause(EVERY_MS / 2);
  }
  return Promise.all(sent);
}
let requests = 0;

const isGood = ({ answer }: Timed): boolean =>
  answer.status === 200 && answer.events.includes("[DONE]") && textOf(answer) === "word0 word1";

function report(name: string, timed: readonly Timed[]): { share: number; p99: number } {
  const times = timed.map(({ ms }) => ms).toSorted((one, other) => one - other);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  const share = timed.filter(isGood).length / timed.length;
  const figures = [0.5, 0.9, 0.99, 0.999, 1].map((part) => `p${part * 100} ${at(part).toFixed(0)}`).join(", ");
  process.stdout.write(`${name}: ${timed.length} requests, ${(share * 100).toFixed(2)} % answered, ms: ${figures}\n`);
  return { share, p99: at(0.99) };
}

describeWithRedis("a Redis that freezes under load", () => {
  it.each([{ outbox: true }, { outbox: false }])(
    "replaying clients are answered, delta clients told to come again, and no model is asked for them (outbox: $outbox)",
    { timeout: 300_000 },
    async ({ outbox }) => {
      gateway = await startGatewayProcess({
        ...masterKeys,
        STATEGATE_UPSTREAM_URL: upstream.url,
        STATEGATE_STORE: redis.url,
        STATEGATE_STORE__TIMEOUT_MS: String(TIMEOUT_MS),
        ...(outbox && { STATEGATE_STORE__OUTBOX: join(folder.path, "outbox.db") }),
      });
      let frozen = false;
      const isFrozen = (): boolean => frozen;
      // A process that has just begun counts and compiles; what it does then is another test's.
      for (let warm = 0; warm < WARM_UP; warm += 1) await send(requests++, isFrozen);
      const before = await sendSteadily(CALM_MS, isFrozen);
      const across = sendSteadily(FROZEN_MS, isFrozen);
      await pause(FROZEN_MS / 10);
      redis.freeze();
      // The signal takes a moment to arrive.
      await pause(SETTLE_MS);
      frozen = true;
      const all = await across;
      frozen = false;
      redis.thaw();

      const name = `frozen under load, ${outbox ? "with" : "without"} an outbox`;
      report(
        `${name}, calm before`,
        before.filter(({ kind }) => kind === "replay"),
      );
      const { share, p99 } = report(
        name,
        all.filter(({ kind }) => kind === "replay"),
      );
      if (isProving) {
        expect(share).toBeGreaterThanOrEqual(0.999);
        expect(p99).toBeLessThan(2 * TIMEOUT_MS);
      }
      const replays = all.filter(({ kind, whileFrozen }) => kind === "replay" && whileFrozen);
      const deltas = all.filter(({ kind, whileFrozen }) => kind === "delta" && whileFrozen);
      expect(replays.length).toBeGreaterThan(100);
      expect(deltas.length).toBeGreaterThan(10);
      for (const { answer } of deltas) {
        expect({ status: answer.status, codes: errorCodes(answer), retry: answer.headers["retry-after"] }).toEqual({
          status: 503,
          codes: ["store_unavailable"],
          retry: "1",
        });
      }
      expect(replays.filter((timed) => !isGood(timed))).toEqual([]);
      const asked = upstream.log.map(({ bytes }) => bytes.toString("utf8"));
      expect(asked.filter((body) => body.includes("delta frozen"))).toEqual([]);
      expect(eventsOf(gateway)).toContain("store_circuit_opened");
      expectTurnAbout(gateway, "store_circuit_opened", "store_circuit_closed");
    },
  );
});
