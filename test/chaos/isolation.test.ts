/** Promise 1: nobody gets another's data. Every route, many users who name their sessions alike, every store. */
import type { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import type { GatewayEnv } from "../../src/http/gateway-env.ts";
import { ask, said, transcript } from "../support/fault-client.ts";
import { type IdentityMode, keysMode, passthroughMode, tokenMode } from "../support/isolation-modes.ts";
import { loginCases, refusals, routeCases } from "../support/isolation-routes.ts";
import {
  chat,
  checkOwnTranscript,
  createIsolationWorld,
  createUser,
  hostileIds,
  malformedIds,
  pathOf,
  type User,
} from "../support/isolation-world.ts";
import { inCiOrProving } from "../support/prove.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { createTempFolder, type TempFolder } from "../support/store-temp-folder.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";
import { masterKeys } from "../support/test-master-keys.ts";

const apps = vi.hoisted((): Hono<GatewayEnv>[] => []);
vi.mock("../../src/http/app.ts", async (original) => {
  const real = await original<typeof import("../../src/http/app.ts")>();
  return {
    createApp(parts: Parameters<typeof real.createApp>[0]) {
      const app = real.createApp(parts);
      apps.push(app.router);
      return app;
    },
  };
});

const CASES_PER_ROUTE = inCiOrProving(90, 1_000);

interface Place {
  readonly store: string;
  readonly address: () => string;
  readonly openMode: () => Promise<IdentityMode> | IdentityMode;
}

interface Opened {
  readonly gateway: TestGateway;
  readonly upstream: SimulatedUpstream;
  readonly mode: IdentityMode;
  readonly users: readonly User[];
  close(): Promise<void>;
}

async function open({ address, openMode }: Place): Promise<Opened> {
  apps.length = 0;
  const folder: TempFolder = await createTempFolder();
  const mode = await openMode();
  const upstream = await startSimulatedUpstream({ maxLoggedRequests: 200_000 });
  const env = {
    ...(address() !== "" && { STATEGATE_STORE: address() }),
    ...masterKeys,
    ...mode.env,
    STATEGATE_ADMIN_KEY: "the-key-of-the-operators",
    // A busy machine is no outage.
    STATEGATE_STORE__TIMEOUT_MS: "10000",
  };
  const gateway = await startTestGateway({ upstream, folder: folder.path, env });
  const users = await mode.createUsers({ folder: folder.path, env });
  return {
    gateway,
    upstream,
    mode,
    users,
    async close() {
      await gateway.close();
      await upstream.close();
      await mode.close();
      await folder.remove();
    },
  };
}

function defineIsolation(place: Place): void {
  let opened: Opened;
  beforeAll(async () => void (opened = await open(place)));
  afterAll(() => opened.close());
  const cases = () => ({ ...routeCases, ...(opened.mode.sharesAccount && loginCases) });

  it("has a case for every route of the app", () => {
    const [app] = apps;
    const routes = new Set(app?.routes.map(({ method, path }) => `${method} ${path}`));
    expect([...routes].toSorted()).toEqual(Object.keys(cases()).toSorted());
  });

  it(
    `shows nobody's words to anybody else, ${CASES_PER_ROUTE} cases on each route`,
    { timeout: 1_800_000 },
    async () => {
      const { gateway, upstream, mode, users } = opened;
      const world = createIsolationWorld(users);
      const tried: Record<string, number> = {};
      // Users act at the same time, each one thing after another, so that a stream of one runs while others read.
      const act = async (user: User): Promise<void> => {
        for (const id of hostileIds.slice(0, 6)) await chat(gateway.url, user, { id, stream: false, aborted: false });
        const rounds = Math.ceil(CASES_PER_ROUTE / world.users.length);
        for (let round = 0; round < rounds; round += 1) {
          for (const [route, attempt] of Object.entries(cases())) {
            const { id, kind } = world.chooseId(user);
            if (id === "" && route.includes(":id")) continue;
            await attempt(world, { gateway, user, id, kind });
            tried[kind] = (tried[kind] ?? 0) + 1;
          }
        }
      };
      await Promise.all(world.users.map(act));
      for (const user of world.users) {
        for (const id of user.sessions.keys()) expect(await checkOwnTranscript(gateway.url, user, id)).toEqual([]);
      }
      world.inspectUpstream(upstream, mode.sharesAccount ? "sk-of-the-operator" : undefined);
      const total = Object.values(tried).reduce((sum, count) => sum + count, 0);
      process.stdout.write(
        `isolation on ${place.store}, ${mode.name}: ${total} tried (${Object.entries(tried)
          .map(([kind, count]) => `${count} ${kind}`)
          .join(", ")}), ${upstream.log.length} requests upstream, ${world.crossings.length} crossings\n`,
      );
      expect(world.crossings).toEqual([]);
      expect(refusals.size).toBe(1);
    },
  );
}

function defineNames(place: Place): void {
  let opened: Opened;
  beforeAll(async () => void (opened = await open(place)));
  afterAll(() => opened.close());

  it("keeps hostile names of users and sessions apart", { timeout: 300_000 }, async () => {
    const names = ["", "a", "a:b", "{a}", "*", "a|b", "..", "__proto__", "ä", "ａ", "東京", "💥", "A", "x".repeat(256)];
    const keys = ["sk-k", "sk-k:a"];
    const users = keys.flatMap((key) =>
      names.map((name) =>
        createUser(`${key}/${name}`, key, name === "" ? undefined : Buffer.from(name).toString("latin1")),
      ),
    );
    const ids = hostileIds.slice(0, inCiOrProving(12, hostileIds.length));
    for (const user of users) {
      for (const id of ids) {
        const { status, headers } = await chat(opened.gateway.url, user, { id, stream: false, aborted: false });
        expect({ status, mode: headers["x-history-mode"] }).toEqual({ status: 200, mode: "new" });
      }
    }
    let tried = 0;
    for (const user of users) {
      for (const id of ids) {
        tried += 1;
        expect(await checkOwnTranscript(opened.gateway.url, user, id)).toEqual([]);
        expect(await transcript(opened.gateway.url, id, user, pathOf)).toHaveLength(2);
      }
    }
    process.stdout.write(`hostile names on ${place.store}: ${tried} sessions, 0 collisions\n`);
  });

  it("refuses malformed names, and none of them reaches a session", async () => {
    for (const id of malformedIds) {
      const session = Buffer.from(id).toString("latin1");
      const answer = await ask(opened.gateway.url, { session, messages: [said("hello")] });
      expect({ id, status: answer.status }).toEqual({ id, status: 400 });
    }
  });
}

const inMemory = { store: "memory", address: () => "memory:" };
const onSqlite = { store: "SQLite", address: () => "" };
describe("isolation on memory", () => defineIsolation({ ...inMemory, openMode: passthroughMode }));
describe("isolation on memory, by tokens", () => defineIsolation({ ...inMemory, openMode: tokenMode }));
describe("isolation on SQLite", () => defineIsolation({ ...onSqlite, openMode: passthroughMode }));
describe("isolation on SQLite, by issued keys", () => defineIsolation({ ...onSqlite, openMode: keysMode }));
describe("isolation on SQLite, by tokens", () => defineIsolation({ ...onSqlite, openMode: tokenMode }));
describe("names on memory", () => defineNames({ ...inMemory, openMode: passthroughMode }));
describe("names on SQLite", () => defineNames({ ...onSqlite, openMode: passthroughMode }));
describeWithRedis("Redis", () => {
  let redis: RedisServer;
  beforeAll(async () => void (redis = await startRedisServer()));
  afterAll(() => redis.stop());
  const onRedis = { store: "Redis", address: () => redis.url };
  describe("isolation", () => defineIsolation({ ...onRedis, openMode: passthroughMode }));
  describe("isolation, by issued keys", () => defineIsolation({ ...onRedis, openMode: keysMode }));
  describe("isolation, by tokens", () => defineIsolation({ ...onRedis, openMode: tokenMode }));
  describe("names", () => defineNames({ ...onRedis, openMode: passthroughMode }));
});
