/** kill -9 of Redis under load: what its two ways to sync keep of the commits that it acknowledged. */
import { setTimeout as pause } from "node:timers/promises";

import { expect, it } from "vitest";

import { openRedisBackend } from "../../../src/store/redis/redis-backend.ts";
import type { SessionCommit } from "../../../src/store/session-store.ts";
import type { StoreBackend } from "../../../src/store/store-backend.ts";
import { inCiOrProving } from "../../support/prove.ts";
import { describeWithRedis, startRedisServer } from "../../support/redis-server.ts";
import { followUpOf, HOUR_MS, openingOf, uniqueName } from "../../support/store-commits.ts";
import { createRecordedLog } from "../../support/store-log.ts";

const KILLS = inCiOrProving(2, 30);
const WRITERS = 8;
const MAX_LIFE_MS = 400;
/** Redis puts off writing while a sync of the second before is still running, for another second at most. */
const EVERYSEC_MAY_LOSE_MS = 2_000;

interface Acknowledged {
  readonly commit: SessionCommit;
  readonly at: number;
}

describeWithRedis("a Redis that is killed", () => {
  it.each([
    { policy: "always", mayLoseMs: 0 },
    { policy: "everysec", mayLoseMs: EVERYSEC_MAY_LOSE_MS },
  ])(
    "with appendfsync $policy loses what is younger than $mayLoseMs ms, and nothing in the middle",
    { timeout: 600_000 },
    async (row) => {
      const server = await startRedisServer({ appendOnly: true, settings: ["--appendfsync", row.policy] });
      const options = { clock: Date.now, log: createRecordedLog().log, commandTimeoutMs: 2_000, keyPrefix: "t:" };
      const backend = await openRedisBackend({ url: server.url, ...options });
      let acknowledged = 0;
      const lostAges: number[] = [];
      for (let kill = 0; kill < KILLS; kill++) {
        const writing = Promise.all(Array.from({ length: WRITERS }, () => writeUntilItFails(backend)));
        await pause(100 + Math.random() * MAX_LIFE_MS);
        await server.kill();
        const killedAt = performance.now();
        const written = await writing;
        await server.restart();
        await expect.poll(() => backend.ping().then(() => "up", String), { timeout: 10_000 }).toBe("up");
        for (const session of written) {
          acknowledged += session.length;
          const kept = (await backend.sessions.load(session[0]?.commit.key ?? ""))?.turns.length ?? 0;
          const missing = session.slice(kept);
          lostAges.push(...missing.map(({ at }) => killedAt - at));
        }
      }
      const oldest = Math.max(0, ...lostAges);
      const figures = `${acknowledged} commits acknowledged, ${lostAges.length} lost, at most ${oldest.toFixed(0)} ms old`;
      process.stdout.write(`${KILLS} kills with ${row.policy}: ${figures}\n`);
      expect(oldest).toBeLessThanOrEqual(row.mayLoseMs);
      await backend.close();
      await server.stop();
    },
  );
});

/** One session, a turn after the other; resolves to what was acknowledged, in order. */
async function writeUntilItFails({ sessions }: StoreBackend): Promise<Acknowledged[]> {
  const name = uniqueName("session");
  const fields = { owner: name, createdAt: Date.now(), expiresAt: Date.now() + HOUR_MS, loadFrom: 0 };
  const acknowledged: Acknowledged[] = [];
  for (let commit = openingOf(name, fields); ; commit = followUpOf(commit)) {
    try {
      await sessions.commit(commit);
    } catch {
      return acknowledged;
    }
    acknowledged.push({ commit, at: performance.now() });
  }
}
