import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { ask, freshSession, onSession, send, sendChat, type WireAnswer } from "../support/http-calls.ts";
import { inCiOrProving } from "../support/prove.ts";
import { findInClear, readFolder } from "../support/resting-bytes.ts";
import { type CommandPlace, issueKey } from "../support/run-operator-command.ts";
import { createHandClock } from "../support/store-hand-clock.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const APP = "https://app.example.com";
const env = {
  STATEGATE_IDENTITY__MODE: "keys",
  STATEGATE_UPSTREAM__API_KEY: "sk-of-the-operator",
  STATEGATE_HTTP__CORS__ORIGINS: APP,
};
const folder = mkdtempSync(join(tmpdir(), "stategate-login-"));
const clock = createHandClock();
const place: CommandPlace = { folder, env, clock: clock.now };
let gateway: TestGateway;
let ada: string;
beforeAll(async () => {
  gateway = await startTestGateway({ env, folder, clock: clock.now });
  ada = await issueKey(["--tenant", "acme", "--user", "ada"], place);
});
afterAll(async () => {
  await gateway.close();
  await gateway.upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

const CSRF = { "x-stategate-csrf": "1" };
const login = (key: string | undefined, headers: Record<string, string> = {}): Promise<WireAnswer> =>
  send(gateway, "/login", { method: "POST", key, headers });
const tokenOf = (answer: WireAnswer): string =>
  /^__Host-stategate=([\w-]{43});/.exec(answer.headers.get("set-cookie") ?? "")?.[1] ?? expect.unreachable("no token");
const cookie = (token: string): Record<string, string> => ({ cookie: `theme=dark; __Host-stategate=${token}` });
const byCookie = (token: string, path: string, method = "GET", headers: Record<string, string> = {}) =>
  send(gateway, path, { method, key: undefined, headers: { ...cookie(token), ...headers } });
const freshToken = async (key = ada): Promise<string> => tokenOf(await login(key));
const MINUTE_MS = 60_000;

describe("a browser's login", () => {
  it("is a 256-bit cookie for this host alone, over TLS alone, for no script", async () => {
    const answer = await login(ada);
    expect(answer.status).toBe(204);
    expect(answer.headers.get("set-cookie")).toMatch(
      /^__Host-stategate=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict$/,
    );
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("vary")).toMatch(/cookie/i);
    expect(Buffer.byteLength(answer.headers.get("set-cookie") ?? "")).toBeLessThan(4_096);
  });

  it("is its user: the same sessions, and nobody else's", async () => {
    const token = await freshToken();
    const id = freshSession();
    const chat = await sendChat(gateway, ask("by cookie"), {
      key: undefined,
      headers: { ...cookie(token), ...CSRF, ...onSession(id) },
    });
    expect(chat.status).toBe(200);
    expect((await send(gateway, `/sessions/${id}`, { key: ada })).status).toBe(200);
    const bob = await freshToken(await issueKey(["--tenant", "acme", "--user", "bob"], place));
    expect((await byCookie(bob, `/sessions/${id}`)).status).toBe(404);
    expect((await byCookie(token, "/sessions", "GET", { "x-user-id": "bob" })).status).toBe(403);
  });

  it("token is echoed nowhere, goes to no upstream, and rests nowhere in clear", async () => {
    const token = await freshToken();
    const answers = [
      await byCookie(token, "/sessions"),
      await byCookie(token, "/models"),
      await byCookie(token, "/sessions", "POST", CSRF),
      await byCookie(token, "/sessions", "POST"),
      await sendChat(gateway, ask("hi"), {
        key: undefined,
        headers: { ...cookie(token), ...CSRF, ...onSession("new") },
      }),
    ];
    for (const { headers, text } of answers) expect(`${JSON.stringify([...headers])}${text}`).not.toContain(token);
    expect(JSON.stringify(gateway.upstream.log.map(({ headers }) => headers))).not.toContain(token);
    expect(findInClear(await readFolder(folder), [token, ada])).toEqual([]);
  });

  it("needs a credential to begin, and tells a wrong one nothing", async () => {
    expect((await login(undefined)).status).toBe(401);
    const refused = await login(`sg_${"x".repeat(43)}`);
    expect(refused.status).toBe(401);
    expect(refused.headers.get("set-cookie")).toBeNull();
    expect(
      (await send(gateway, "/login", { method: "POST", key: undefined, headers: cookie(await freshToken()) })).status,
    ).toBe(401);
  });
});

describe("a forged request from another page", () => {
  it.each([
    ["POST", "/sessions"],
    ["DELETE", "/sessions/mine"],
    ["POST", "/sessions/mine/rotate"],
    ["POST", "/embeddings"],
    ["DELETE", "/me"],
    ["PATCH", "/models"],
  ])("%s %s by cookie needs the header that no other page can set", async (method, path) => {
    const answer = await byCookie(await freshToken(), path, method);
    expect(answer.json()).toMatchObject({ error: { code: "csrf_header_missing" } });
    expect(answer.status).toBe(403);
  });

  it("is refused by its origin too, and the gateway's own pages and listed ones are not", async () => {
    const token = await freshToken();
    const from = async (origin: string) => (await byCookie(token, "/sessions", "POST", { ...CSRF, origin })).status;
    expect(await from(gateway.origin)).toBe(201);
    expect(await from(APP)).toBe(201);
    for (const origin of [
      "https://evil.example.com",
      "null",
      `${APP}.evil.example.com`,
      "http://app.example.com",
      "x",
    ]) {
      expect(await from(origin), origin).toBe(403);
    }
  });

  it("cannot log its victim out, or write a chat", async () => {
    const token = await freshToken();
    expect((await byCookie(token, "/logout", "POST")).status).toBe(403);
    expect((await sendChat(gateway, ask("hi"), { key: undefined, headers: cookie(token) })).status).toBe(403);
    expect((await byCookie(token, "/sessions")).status).toBe(200);
  });

  it("is none where a credential is sent: it wins, and the cookie is not looked at", async () => {
    const both = {
      method: "POST",
      key: ada,
      headers: { ...cookie("x".repeat(43)), origin: "https://evil.example.com" },
    };
    expect((await send(gateway, "/sessions", both)).status).toBe(201);
    const wrong = { ...both, key: "sk-wrong", headers: { ...cookie(await freshToken()), ...CSRF } };
    expect((await send(gateway, "/sessions", wrong)).status).toBe(401);
  });
});

describe("a login ends", () => {
  it("with a logout, everywhere and for good", async () => {
    const token = await freshToken();
    const answer = await byCookie(token, "/logout", "POST", CSRF);
    expect(answer.status).toBe(204);
    expect(answer.headers.get("set-cookie")).toBe(
      "__Host-stategate=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0",
    );
    expect((await byCookie(token, "/sessions")).status).toBe(401);
    expect((await byCookie(token, "/logout", "POST", CSRF)).status).toBe(204);
  });

  it("with the next login of the same browser: its token is always a new one", async () => {
    const first = await freshToken();
    const second = tokenOf(await login(ada, cookie(first)));
    expect(second).not.toBe(first);
    expect((await byCookie(first, "/sessions")).status).toBe(401);
    expect((await byCookie(second, "/sessions")).status).toBe(200);
  });

  it("after its idle time, to the millisecond, and use prolongs it", async () => {
    const token = await freshToken();
    clock.advance(29 * MINUTE_MS);
    expect((await byCookie(token, "/sessions")).status).toBe(200);
    clock.advance(30 * MINUTE_MS - 1);
    expect((await byCookie(token, "/sessions")).status).toBe(200);
    clock.advance(30 * MINUTE_MS);
    expect((await byCookie(token, "/sessions")).status).toBe(401);
  });

  it("after its absolute time, however busy it is", async () => {
    const token = await freshToken();
    for (let minutes = 0; minutes < 12 * 60 - 20; minutes += 20) {
      clock.advance(20 * MINUTE_MS);
      expect((await byCookie(token, "/sessions")).status).toBe(200);
    }
    clock.advance(20 * MINUTE_MS);
    expect((await byCookie(token, "/sessions")).status).toBe(401);
  });

  it("with the erasure of its user, on every browser", async () => {
    const key = await issueKey(["--tenant", "acme", "--user", "guest"], place);
    const tokens = [await freshToken(key), await freshToken(key)];
    const other = await freshToken();
    expect((await byCookie(tokens[0] ?? "", "/me", "DELETE", CSRF)).status).toBe(200);
    for (const token of tokens) expect((await byCookie(token, "/sessions")).status).toBe(401);
    expect((await byCookie(other, "/sessions")).status).toBe(200);
  });

  it("with the key that began it", async () => {
    const key = await issueKey(["--tenant", "acme", "--expires", "1h"], place);
    const token = await freshToken(key);
    for (const minutes of [25, 25]) {
      clock.advance(minutes * MINUTE_MS);
      expect((await byCookie(token, "/sessions")).status).toBe(200);
    }
    clock.advance(10 * MINUTE_MS);
    expect((await byCookie(token, "/sessions")).status).toBe(401);
  });
});

describe("a token that the gateway did not mint", () => {
  it("is never adopted, also not by a login that it comes along with", async () => {
    const tries = inCiOrProving(100, 1_000);
    let adopted = 0;
    for (let index = 0; index < tries; index += 1) {
      const planted = Buffer.alloc(32, index)
        .fill(index >> 8, 0, 8)
        .toString("base64url");
      const forged =
        [planted, planted.slice(1), `${planted}x`, "", `${planted}; __Host-stategate=${planted}`][index % 5] ?? "";
      if ((await byCookie(forged, "/sessions")).status !== 401) adopted += 1;
      if (index % 10 !== 0) continue;
      const minted = tokenOf(await login(ada, cookie(forged)));
      if (minted === forged || (await byCookie(forged, "/sessions")).status !== 401) adopted += 1;
    }
    process.stdout.write(`S4 cookies: ${tries} fixation attempts, ${adopted} adopted\n`);
    expect(adopted).toBe(0);
  });
});
