/** Promise 1: nobody gets another's data. Every route, many users who name their sessions alike, every store. */
import { randomInt } from "node:crypto";

import type { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import type { GatewayEnv } from "../../src/http/gateway-env.ts";
import { ask, callerHeaders, said, send, transcript } from "../support/fault-client.ts";
import {
  chat,
  checkOwnTranscript,
  createIsolationWorld,
  createUser,
  get,
  hostileIds,
  type IdKind,
  type IsolationWorld,
  malformedIds,
  pathOf,
  type User,
} from "../support/isolation-world.ts";
import { inCiOrProving } from "../support/prove.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";
import { masterKeys } from "../support/test-master-keys.ts";

const apps = vi.hoisted((): Hono<GatewayEnv>[] => []);
vi.mock("../../src/http/app.ts", async (original) => {
  const real = await original<typeof import("../../src/http/app.ts")>();
  return {
    createApp(parts: Parameters<typeof real.createApp>[0]) {
      const app = real.createApp(parts);
      apps.push(app);
      return app;
    },
  };
});

const CASES_PER_ROUTE = inCiOrProving(300, 1_000);
const PART_OF_ABORTED = 0.1;

interface Attempt {
  readonly gateway: TestGateway;
  readonly user: User;
  readonly id: string;
  readonly kind: IdKind;
}

type RouteCase = (world: IsolationWorld, attempt: Attempt) => Promise<void>;

const notFound = { status: 404, code: "session_not_found" };
const outcomeOf = ({ status, body }: { status: number; body: string }) => ({
  status,
  code: (JSON.parse(body) as { error?: { code: string } }).error?.code,
});

/** What is foreign, unknown, deleted or malformed answers alike, to the byte. */
const refusals = new Set<string>();
function expectOwnOnly(answer: { status: number; body: string }, kind: IdKind): void {
  if (kind === "own") return expect(answer.status, answer.body).toBe(200);
  expect(outcomeOf(answer)).toEqual(notFound);
  refusals.add(answer.body);
}

const machineRoute =
  (path: string): RouteCase =>
  async (world, { gateway, user, id }) => {
    const headers = { ...callerHeaders(user), "x-session-id": Buffer.from(id).toString("latin1") };
    const answer = await send(gateway.origin + path, { headers });
    expect(answer.body).not.toMatch(/canary/);
    world.inspect(user, path, answer);
  };

const routeCases: Readonly<Record<string, RouteCase>> = {
  "ALL /*": async (world, { gateway, user, id }) => {
    const answer = await get(gateway.origin, user, `/unknown/${pathOf(id)}`);
    expect(outcomeOf(answer)).toEqual({ status: 404, code: "not_found" });
    world.inspect(user, "unknown", answer);
  },
  "GET /healthz": machineRoute("/healthz"),
  "GET /readyz": machineRoute("/readyz"),
  "GET /metrics": machineRoute("/metrics"),
  "POST /v1/chat/completions": async (world, { gateway, user, id, kind }) => {
    const aborted = Math.random() < PART_OF_ABORTED;
    const stream = Math.random() < 0.5;
    const isFirst = !user.sessions.has(id);
    const answer = await chat(gateway.url, user, { id, stream, aborted });
    if (kind === "malformed") expect(answer.status).toBe(400);
    else expect(answer.status, answer.body).toBe(200);
    if (isFirst && kind !== "malformed") expect(answer.headers["x-history-mode"]).toBe("new");
    world.inspect(user, "chat", answer);
  },
  "GET /v1/sessions": async (world, { gateway, user, id }) => {
    const after = Math.random() < 0.3 ? `&after=${pathOf(id)}` : "";
    const answer = await get(gateway.url, user, `/sessions?limit=${1 + randomInt(100)}${after}`);
    world.inspect(user, "list", answer);
    if (answer.status !== 200) return expect(outcomeOf(answer).code).toBe("invalid_parameter");
    const { data } = JSON.parse(answer.body) as { data: readonly { id: string }[] };
    const strangers = data.filter((entry) => !user.sessions.has(entry.id));
    expect(strangers).toEqual([]);
  },
  "POST /v1/sessions": async (world, { gateway, user, id, kind }) => {
    const body = JSON.stringify({ id, title: `titled ${user.canary}` });
    const headers = { "content-type": "application/json", ...callerHeaders(user) };
    const answer = await send(`${gateway.url}/sessions`, { method: "POST", headers, body });
    world.inspect(user, "create", answer);
    expect(answer.status, answer.body).toBe(kind === "malformed" ? 400 : user.sessions.has(id) ? 409 : 201);
    if (answer.status !== 201) return;
    user.sessions.set(id, []);
    user.deleted.delete(id);
  },
  "GET /v1/sessions/:id": async (world, { gateway, user, id, kind }) => {
    const answer = await get(gateway.url, user, `/sessions/${pathOf(id)}`);
    world.inspect(user, "read", answer);
    expectOwnOnly(answer, kind);
  },
  "DELETE /v1/sessions/:id": async (world, { gateway, user, id, kind }) => {
    const url = `${gateway.url}/sessions/${pathOf(id)}`;
    const answer = await send(url, { method: "DELETE", headers: callerHeaders(user) });
    world.inspect(user, "delete", answer);
    expectOwnOnly(answer, kind);
    user.sessions.delete(id);
    if (kind === "own") user.deleted.add(id);
  },
  "POST /v1/sessions/:id/rotate": async (world, { gateway, user, id, kind }) => {
    const headers = callerHeaders(user);
    const answer = await send(`${gateway.url}/sessions/${pathOf(id)}/rotate`, { method: "POST", headers });
    world.inspect(user, "rotate", answer);
    expectOwnOnly(answer, kind);
    if (kind !== "own") return;
    // Its new name is not one of those that all users share, so it ends here.
    const successor = (JSON.parse(answer.body) as { id: string }).id;
    const foreign = world.users.find((other) => other !== user);
    if (foreign) expectOwnOnly(await get(gateway.url, foreign, `/sessions/${successor}`), "foreign");
    await send(`${gateway.url}/sessions/${successor}`, { method: "DELETE", headers });
    user.sessions.delete(id);
    user.deleted.add(id);
  },
  "GET /v1/sessions/:id/messages": async (world, { gateway, user, id, kind }) => {
    const answer = await get(gateway.url, user, `/sessions/${pathOf(id)}/messages`);
    world.inspect(user, "messages", answer);
    expectOwnOnly(answer, kind);
    if (kind === "own") expect(await checkOwnTranscript(gateway.url, user, id)).toEqual([]);
  },
  "ALL /v1/sessions/*": async (world, { gateway, user, id }) => {
    const answer = await get(gateway.url, user, `/sessions/${pathOf(id)}/anything`);
    world.inspect(user, "no such route", answer);
    expect(outcomeOf(answer)).toEqual({ status: 404, code: "not_found" });
  },
  "GET /v1/me": async (world, { gateway, user }) => {
    const answer = await get(gateway.url, user, "/me");
    world.inspect(user, "me", answer);
    expect(JSON.parse(answer.body)).toMatchObject({ object: "user" });
  },
  "GET /v1/me/export": async (world, { gateway, user }) => {
    const answer = await get(gateway.url, user, "/me/export");
    world.inspect(user, "export", answer);
    expect(answer.body).toContain('"object":"export.end"');
  },
  "DELETE /v1/me": async (world, { gateway, user }) => {
    // Somebody else under the same key, with a session of a name that everybody has.
    const guest = { ...createUser(user.name, user.key, `guest of ${user.name}`), canary: user.canary };
    await chat(gateway.url, guest, { id: "chat", stream: false, aborted: false });
    const answer = await send(`${gateway.url}/me`, { method: "DELETE", headers: callerHeaders(guest) });
    world.inspect(user, "erase", answer);
    expect(answer.status, answer.body).toBe(200);
    expect(outcomeOf(await get(gateway.url, guest, "/sessions/chat"))).toEqual(notFound);
  },
  "ALL /v1/me/*": async (world, { gateway, user, id }) => {
    const answer = await get(gateway.url, user, `/me/${pathOf(id)}/anything`);
    world.inspect(user, "no such right", answer);
    expect(outcomeOf(answer)).toEqual({ status: 404, code: "not_found" });
  },
  "ALL /v1/*": async (world, { gateway, user, id }) => {
    const headers = {
      "content-type": "application/json",
      ...callerHeaders(user),
      "x-session-id": Buffer.from(id).toString("latin1"),
    };
    const body = JSON.stringify({ model: "text-embedding-3-small", input: user.canary });
    const answer = await send(`${gateway.url}/embeddings`, { method: "POST", headers, body });
    expect(answer.status, answer.body).toBe(200);
    expect(answer.headers["x-history-mode"]).toBe("unsupported");
    world.inspect(user, "pass-through", answer);
  },
};

/** By different keys, by X-User-Id under one key, and by the same X-User-Id under another. */
const createUsers = (): User[] => [
  createUser("ada", "sk-tenant-one"),
  createUser("bob", "sk-tenant-two"),
  createUser("cy", "sk-tenant-one", "shared-name"),
  createUser("dee", "sk-tenant-one", "other-name"),
  createUser("eve", "sk-tenant-two", "shared-name"),
  createUser("flo", "sk-tenant-one", "sk-tenant-two"),
];

function defineIsolation(store: string, address: () => string): void {
  let gateway: TestGateway;
  let upstream: SimulatedUpstream;
  beforeAll(async () => {
    apps.length = 0;
    upstream = await startSimulatedUpstream({ maxLoggedRequests: 200_000 });
    gateway = await startTestGateway({
      upstream,
      env: {
        ...(address() !== "" && { STATEGATE_STORE: address() }),
        ...masterKeys,
        // A busy machine is no outage.
        STATEGATE_STORE__TIMEOUT_MS: "10000",
      },
    });
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  it("has a case for every route of the app", () => {
    const [app] = apps;
    const routes = new Set(app?.routes.map(({ method, path }) => `${method} ${path}`));
    expect([...routes].toSorted()).toEqual(Object.keys(routeCases).toSorted());
  });

  it(`shows nobody's words to anybody else, ${CASES_PER_ROUTE} cases on each route`, { timeout: 900_000 }, async () => {
    const world = createIsolationWorld(createUsers());
    const tried: Record<string, number> = {};
    // Users act at the same time, each one thing after another, so that a stream of one runs while others read.
    const act = async (user: User): Promise<void> => {
      for (const id of hostileIds.slice(0, 6)) await chat(gateway.url, user, { id, stream: false, aborted: false });
      const rounds = Math.ceil(CASES_PER_ROUTE / world.users.length);
      for (let round = 0; round < rounds; round += 1) {
        for (const [route, attempt] of Object.entries(routeCases)) {
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
    world.inspectUpstream(upstream);
    const total = Object.values(tried).reduce((sum, count) => sum + count, 0);
    process.stdout.write(
      `isolation on ${store}: ${total} tried (${Object.entries(tried)
        .map(([kind, count]) => `${count} ${kind}`)
        .join(", ")}), ${upstream.log.length} requests upstream, ${world.crossings.length} crossings\n`,
    );
    expect(world.crossings).toEqual([]);
    expect(refusals.size).toBe(1);
  });

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
        const { status, headers } = await chat(gateway.url, user, { id, stream: false, aborted: false });
        expect({ status, mode: headers["x-history-mode"] }).toEqual({ status: 200, mode: "new" });
      }
    }
    let tried = 0;
    for (const user of users) {
      for (const id of ids) {
        tried += 1;
        expect(await checkOwnTranscript(gateway.url, user, id)).toEqual([]);
        expect(await transcript(gateway.url, id, user, pathOf)).toHaveLength(2);
      }
    }
    process.stdout.write(`hostile names on ${store}: ${tried} sessions, 0 collisions\n`);
  });

  it("refuses malformed names, and none of them reaches a session", async () => {
    for (const id of malformedIds) {
      const session = Buffer.from(id).toString("latin1");
      const answer = await ask(gateway.url, { session, messages: [said("hello")] });
      expect({ id, status: answer.status }).toEqual({ id, status: 400 });
    }
  });
}

describe("isolation on memory", () => defineIsolation("memory", () => "memory:"));
describe("isolation on SQLite", () => defineIsolation("SQLite", () => ""));
describeWithRedis("isolation on Redis", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedisServer();
  });
  afterAll(() => redis.stop());
  defineIsolation("Redis", () => redis.url);
});
