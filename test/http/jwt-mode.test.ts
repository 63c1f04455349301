import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { ask, freshSession, onSession, send, sendChat, transcript } from "../support/http-calls.ts";
import {
  AUDIENCE,
  createSigningKey,
  ISSUER,
  type JwksServer,
  type SigningKey,
  signToken,
  startJwksServer,
} from "../support/jwks-server.ts";
import { createHandClock } from "../support/store-hand-clock.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const clock = createHandClock();
let key: SigningKey;
let provider: JwksServer;
let gateway: TestGateway;
beforeAll(async () => {
  key = await createSigningKey("key-1");
  provider = await startJwksServer(key);
  gateway = await startTestGateway({
    clock: clock.now,
    env: {
      STATEGATE_STORE: "memory:",
      STATEGATE_IDENTITY__MODE: "jwt",
      STATEGATE_UPSTREAM__API_KEY: "sk-of-the-operator",
      STATEGATE_IDENTITY__JWT__JWKS_URL: provider.url,
      STATEGATE_IDENTITY__JWT__ISSUER: ISSUER,
      STATEGATE_IDENTITY__JWT__AUDIENCE: AUDIENCE,
      STATEGATE_IDENTITY__JWT__TENANT_CLAIM: "org_id",
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await provider.close();
});
const tokenOf = (org: string, sub: string): Promise<string> =>
  signToken(key, { org_id: org, sub, exp: Math.floor(clock.now() / 1000) + 600 });

describe("a gateway behind an identity provider", () => {
  it("keeps a user's sessions from token to token, and from everybody else's", async () => {
    const id = freshSession();
    await sendChat(gateway, ask("I am Ada"), { key: await tokenOf("acme", "ada"), headers: onSession(id) });
    expect(await transcript(gateway, id, { key: await tokenOf("acme", "ada") })).toHaveLength(2);
    for (const [org, sub] of [
      ["acme", "bob"],
      ["other", "ada"],
    ] as const) {
      expect((await send(gateway, `/sessions/${id}`, { key: await tokenOf(org, sub) })).status).toBe(404);
    }
    expect(JSON.stringify(gateway.upstream.log.map(({ headers }) => headers))).not.toMatch(/eyJ[\w-]+\./);
  });

  it("refuses tokens of no tenant, and says nothing of why", async () => {
    const answers = await Promise.all(
      [await signToken(key), await signToken(key, { org_id: 7 }), "not.a.token", await tokenOf("", "ada")].map(
        (token) => send(gateway, "/sessions", { key: token, headers: { "x-request-id": "one" } }),
      ),
    );
    expect(new Set(answers.map(({ status, text }) => `${status}${text}`)).size).toBe(1);
    expect(answers[0]?.json()).toMatchObject({ error: { code: "credential_refused" } });
  });

  it("lets a browser log in with a token, until that token expires", async () => {
    const login = await send(gateway, "/login", { method: "POST", key: await tokenOf("acme", "ada") });
    expect(login.status).toBe(204);
    const cookie = (login.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
    const read = async () => (await send(gateway, "/sessions", { key: undefined, headers: { cookie } })).status;
    expect(await read()).toBe(200);
    clock.advance(590_000);
    expect(await read()).toBe(200);
    clock.advance(10_001);
    expect(await read()).toBe(401);
  });
});
