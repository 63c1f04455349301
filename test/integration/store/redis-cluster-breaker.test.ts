import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";

import { openRedisBackend } from "../../../src/store/redis/redis-backend.ts";
import type { SessionCommit } from "../../../src/store/session-store.ts";
import type { StoreBackend } from "../../../src/store/store-backend.ts";
import { withBreaker } from "../../../src/store/with-breaker.ts";
import { openingInOneSlot, writeSpreadSessions } from "../../support/cluster-sessions.ts";
import { type ClusterNode, nodeOutages, type RedisCluster, startRedisCluster } from "../../support/redis-cluster.ts";
import { describeWithRedis } from "../../support/redis-server.ts";
import { followUpOf, mustCommit, openingOf, uniqueName } from "../../support/store-commits.ts";
import { createHandClock, type HandClock } from "../../support/store-hand-clock.ts";

const UNAVAILABLE = { name: "GatewayError", code: "store_unavailable" };
const FAILURES = 5;
const PAUSE_MS = 1_000;
const ROUNDS = 20;
/** Sessions of one owner, so many that no node goes without. */
const OWNED = 40;
const CALLS_EACH = 2 * FAILURES;

describeWithRedis("a breaker around a Redis cluster", () => {
  let cluster: RedisCluster;
  let backend: StoreBackend;
  let clock: HandClock;
  let changes: [event: string, calls: unknown, partition: unknown][];
  let outcomes: string[];
  beforeAll(async () => {
    cluster = await startRedisCluster({ appendOnly: true });
  });
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    await cluster.settle();
    clock = createHandClock();
    changes = [];
    outcomes = [];
    const record = ({ calls, partition }: Readonly<Record<string, unknown>>, event: string): void => {
      if (event.startsWith("store_circuit")) changes.push([event, calls, partition]);
    };
    const log = { info: record, warn: record, error: record };
    const options = { clock: Date.now, log, commandTimeoutMs: 2_000, keyPrefix: "t:" };
    backend = withBreaker(await openRedisBackend({ url: cluster.url, ...options }), {
      timeoutMs: 1_000,
      failures: FAILURES,
      pauseMs: PAUSE_MS,
      clock: clock.now,
      log,
      onCall: (_, outcome) => outcomes.push(outcome),
    });
  });
  afterEach(() => backend.close());

  const nameOf = ({ server }: ClusterNode): string => `127.0.0.1:${server.port}`;
  const turnsOf = async ({ key }: SessionCommit): Promise<number | undefined> =>
    (await backend.sessions.load(key))?.turns.length;
  const callAll = (commits: readonly SessionCommit[]): Promise<PromiseSettledResult<unknown>[]> =>
    Promise.allSettled(
      Array.from({ length: CALLS_EACH }, () => commits).flatMap((each) =>
        each.flatMap((commit) => [backend.sessions.load(commit.key), backend.sessions.commit(followUpOf(commit))]),
      ),
    );

  it.each(nodeOutages)(
    "a node that $what is left alone, while every call to the others is answered",
    async ({ leave, comeBack }) => {
      const { node, there, elsewhere } = await writeSpreadSessions(cluster, backend.sessions);
      let latest = elsewhere;
      let served = 0;
      const goOn = async (): Promise<void> => {
        latest = latest.map((commit) => followUpOf(commit));
        for (const commit of latest) {
          await mustCommit(backend.sessions, commit);
          expect(await turnsOf(commit)).toBe((commit.turn?.sequence ?? 0) + 1);
          served += 2;
        }
      };
      await leave(node);
      const opening = await callAll(there);
      for (const call of opening) expect(call).toMatchObject({ status: "rejected", reason: UNAVAILABLE });
      const asked = outcomes.length;
      for (let round = 0; round < ROUNDS; round++) {
        for (const call of await callAll(there))
          expect(call).toMatchObject({ status: "rejected", reason: UNAVAILABLE });
        await goOn();
      }
      expect(new Set(outcomes.slice(asked))).toEqual(new Set(["refused", "ok"]));
      expect(outcomes.slice(asked).filter((outcome) => outcome === "ok")).toHaveLength(served);
      expect(changes).toEqual([
        ["store_circuit_opened", "reads", nameOf(node)],
        ["store_circuit_opened", "writes", nameOf(node)],
      ]);

      await comeBack(node);
      for (const commit of there) {
        const retried = (): Promise<unknown> => {
          clock.advance(PAUSE_MS);
          return turnsOf(commit).catch(String);
        };
        await expect.poll(retried, { timeout: 10_000 }).toEqual(expect.any(Number));
      }
      for (const { key } of there) expect(await backend.sessions.remove(key)).toBe(true);
      expect(changes.slice(2)).toEqual([
        ["store_circuit_closed", "reads", nameOf(node)],
        ["store_circuit_closed", "writes", nameOf(node)],
      ]);
      await goOn();
    },
  );

  it("listings and erasures that reach a dead node fail whole, close no other node, and succeed when it is back", async () => {
    const { node, elsewhere } = await writeSpreadSessions(cluster, backend.sessions);
    const [{ fields } = openingInOneSlot()] = elsewhere;
    const owned = Array.from({ length: OWNED }, () => openingOf(uniqueName("session"), fields));
    for (const commit of owned) await mustCommit(backend.sessions, commit);
    const listed = (): Promise<unknown[]> => backend.sessions.list(fields.owner, { limit: 99, order: "asc" });
    await node.server.kill();
    for (let call = 0; call < CALLS_EACH; call++) {
      await expect(listed()).rejects.toMatchObject(UNAVAILABLE);
      await expect(backend.sessions.count(fields.owner, 99)).rejects.toMatchObject(UNAVAILABLE);
      await expect(backend.sessions.removeOwner(fields.owner)).rejects.toMatchObject(UNAVAILABLE);
    }
    expect(changes).toEqual([]);
    for (const commit of elsewhere.slice(1)) await mustCommit(backend.sessions, followUpOf(commit));
    await node.server.restart();
    const removing = (): Promise<unknown> => backend.sessions.removeOwner(fields.owner).catch(String);
    await expect.poll(removing, { timeout: 10_000 }).toEqual(expect.any(Number));
    expect(await listed()).toEqual([]);
    for (const { key } of owned) expect(await backend.sessions.load(key)).toBeUndefined();
  });
});
