import { randomInt } from "node:crypto";

import { expect } from "vitest";

import { callerHeaders, send } from "./fault-client.ts";
import {
  chat,
  checkOwnTranscript,
  createUser,
  get,
  type IdKind,
  type IsolationWorld,
  pathOf,
  type User,
} from "./isolation-world.ts";
import type { TestGateway } from "./test-gateway.ts";

const PART_OF_ABORTED = 0.1;

export interface Attempt {
  readonly gateway: TestGateway;
  readonly user: User;
  readonly id: string;
  readonly kind: IdKind;
}

export type RouteCase = (world: IsolationWorld, attempt: Attempt) => Promise<void>;

const notFound = { status: 404, code: "session_not_found" };
const outcomeOf = ({ status, body }: { status: number; body: string }) => ({
  status,
  code: (JSON.parse(body) as { error?: { code: string } }).error?.code,
});

/** What is foreign, unknown, deleted or malformed answers alike, to the byte. */
export const refusals = new Set<string>();
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

/** Operators' routes know one key, which no user has. */
const adminRoute =
  (method: string, path: (id: string) => string): RouteCase =>
  async (world, { gateway, user, id }) => {
    const answer = await send(gateway.origin + path(pathOf(id) || "x"), { method, headers: callerHeaders(user) });
    world.inspect(user, "admin", answer);
    expect(outcomeOf(answer)).toEqual({ status: 401, code: "admin_refused" });
  };

/** What every gateway has, whoever may call it. Each case is tried by every user on every kind of id. */
export const routeCases: Readonly<Record<string, RouteCase>> = {
  "ALL /admin/*": adminRoute("GET", (id) => `/admin/${id}/anything`),
  "GET /admin/audit": adminRoute("GET", () => "/admin/audit"),
  "GET /admin/users": adminRoute("GET", (id) => `/admin/users?user=${id}`),
  "GET /admin/users/:id": adminRoute("GET", (id) => `/admin/users/${id}`),
  "GET /admin/users/:id/export": adminRoute("GET", (id) => `/admin/users/${id}/export`),
  "DELETE /admin/users/:id": adminRoute("DELETE", (id) => `/admin/users/${id}`),
  "ALL /*": async (world, { gateway, user, id }) => {
    const answer = await get(gateway.origin, user, `/unknown/${pathOf(id)}`);
    expect(outcomeOf(answer)).toEqual({ status: 404, code: "not_found" });
    world.inspect(user, "unknown", answer);
  },
  "TRACE /*": async (world, { gateway, user, id }) => {
    const url = `${gateway.url}/sessions/${pathOf(id)}`;
    const headers = { ...callerHeaders(user), "x-echo": user.canary };
    const answer = await send(url, { method: "TRACE", headers });
    world.inspect(user, "trace", answer);
    expect(outcomeOf(answer)).toEqual({ status: 404, code: "not_found" });
    expect(answer.body).not.toContain(user.canary);
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
  "POST /v1/sessions/:id": async (world, { gateway, user, id, kind }) => {
    const body = JSON.stringify({ title: `renamed ${user.canary}` });
    const headers = { "content-type": "application/json", ...callerHeaders(user) };
    const answer = await send(`${gateway.url}/sessions/${pathOf(id)}`, { method: "POST", headers, body });
    world.inspect(user, "rename", answer);
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
  "GET /v1/sessions/:id/context": async (world, { gateway, user, id, kind }) => {
    const answer = await get(gateway.url, user, `/sessions/${pathOf(id)}/context`);
    world.inspect(user, "context", answer);
    expectOwnOnly(answer, kind);
    expect(answer.body).not.toMatch(/canary/);
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
    if (user.fixed) return expect(outcomeOf(answer)).toEqual({ status: 403, code: "user_conflict" });
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

/** What gateways that hold the upstream's key have besides. */
export const loginCases: Readonly<Record<string, RouteCase>> = {
  "POST /v1/login": async (world, { gateway, user }) => {
    const cookie = await logIn(gateway, user);
    const { "x-user-id": named, authorization: _, ...rest } = callerHeaders(user);
    const headers = { ...rest, cookie, ...(named !== undefined && { "x-user-id": named }) };
    const answer = await send(`${gateway.url}/sessions?limit=100`, { headers });
    world.inspect(user, "by cookie", answer);
    expect(answer.status, answer.body).toBe(200);
    const { data } = JSON.parse(answer.body) as { data: readonly { id: string }[] };
    expect(data.filter((entry) => !user.sessions.has(entry.id))).toEqual([]);
  },
  "POST /v1/logout": async (world, { gateway, user }) => {
    const cookie = await logIn(gateway, user);
    const headers = { cookie, "x-stategate-csrf": "1" };
    expect((await send(`${gateway.url}/logout`, { method: "POST", headers })).status).toBe(204);
    const answer = await send(`${gateway.url}/sessions`, { headers });
    world.inspect(user, "after logout", answer);
    expect(answer.status).toBe(401);
  },
};

async function logIn(gateway: TestGateway, user: User): Promise<string> {
  const answer = await send(`${gateway.url}/login`, { method: "POST", headers: callerHeaders(user) });
  return String(answer.headers["set-cookie"]).split(";")[0] ?? "";
}
