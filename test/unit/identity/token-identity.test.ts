import { createHmac, createPublicKey } from "node:crypto";

import { SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { createTokenIdentity } from "../../../src/identity/token-identity.ts";
import { createTokenVerifier, type TokenVerifierOptions } from "../../../src/identity/token-verifier.ts";
import { bearer, callerWith, keyedHash, refusedAs } from "../../support/identity-parts.ts";
import {
  AUDIENCE,
  createSigningKey,
  ISSUER,
  type JwksServer,
  type SigningKey,
  signToken,
  startJwksServer,
} from "../../support/jwks-server.ts";
import { createHandClock } from "../../support/store-hand-clock.ts";

let key: SigningKey;
let stranger: SigningKey;
let server: JwksServer;
beforeAll(async () => {
  key = await createSigningKey("key-1");
  stranger = await createSigningKey("key-1");
  server = await startJwksServer(key);
});
afterAll(() => server.close());

function identityWith(options: Partial<TokenVerifierOptions> = {}) {
  const clock = options.clock ?? Date.now;
  const verifyToken = createTokenVerifier({
    jwksUrl: server.url,
    issuer: ISSUER,
    audience: AUDIENCE,
    algorithms: ["RS256", "ES256", "EdDSA"],
    tenantClaim: undefined,
    userClaim: "sub",
    clockToleranceSeconds: 5,
    cooldownMs: 0,
    clock,
    ...options,
  });
  const identity = createTokenIdentity({ verifyToken, keyedHash, clock, userFromBody: false });
  return async (token: string, headers: Readonly<Record<string, string>> = {}): Promise<string> =>
    (await identity.resolve(callerWith({ ...bearer(token), ...headers }))).owner;
}
const seconds = (offset: number): number => Math.floor(Date.now() / 1000) + offset;
const refused = refusedAs("credential_refused");
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("a token of the identity provider", () => {
  it("names tenant and user by its claims", async () => {
    const owner = identityWith({ tenantClaim: "org_id", userClaim: "email" });
    const token = (org: string, email: string) => signToken(key, { org_id: org, email });
    const one = await owner(await token("acme", "ada@x"));
    expect(await owner(await token("acme", "ada@x"))).toBe(one);
    expect(await owner(await token("acme", "bob@x"))).not.toBe(one);
    expect(await owner(await token("other", "ada@x"))).not.toBe(one);
  });

  it("speaks for its own user alone", async () => {
    const owner = identityWith();
    const token = await signToken(key);
    expect(await owner(token, { "x-user-id": "ada" })).toBe(await owner(token));
    await expect(owner(token, { "x-user-id": "bob" })).rejects.toThrow(refusedAs("user_conflict"));
  });

  it.each(["RS256", "EdDSA"])("may be signed with %s", async (alg) => {
    const other = await createSigningKey("key-2", alg);
    const provider = await startJwksServer(key, other);
    expect(await identityWith({ jwksUrl: provider.url })(await signToken(other))).toBe(
      await identityWith()(await signToken(key)),
    );
    await provider.close();
  });

  it("is asked for where there is none", async () => {
    await expect(identityWith()("")).rejects.toThrow(refusedAs("credential_missing"));
  });
});

describe("a token is refused", () => {
  it.each<[string, () => Promise<string> | string]>([
    ["that is none", () => "not.a.token"],
    ["of another issuer", () => signToken(key, { iss: "https://evil.example.com/" })],
    ["of no issuer", () => signToken(key, { iss: undefined })],
    ["for another audience", () => signToken(key, { aud: "another service" })],
    ["for no audience", () => signToken(key, { aud: undefined })],
    ["that has expired", () => signToken(key, { exp: seconds(-6) })],
    ["that never expires", () => signToken(key, { exp: undefined })],
    ["that is not valid yet", () => signToken(key, { nbf: seconds(60) })],
    ["without a user", () => signToken(key, { sub: undefined })],
    ["with an empty user", () => signToken(key, { sub: "" })],
    ["with control characters in its user", () => signToken(key, { sub: "a\u0000b" })],
    ["signed by somebody else under a known key's name", () => signToken(stranger)],
    ["of an unknown key", async () => signToken(await createSigningKey("key-9"))],
    ["with an algorithm that is not listed", async () => signToken({ ...(await createSigningKey("key-1", "PS256")) })],
    ["with a critical extension that nobody knows", () => signToken(key, {}, { crit: ["x-unknown"], "x-unknown": 1 })],
    [
      "that is not signed: alg none",
      () => new UnsecuredJWT({ sub: "ada", iss: ISSUER, aud: AUDIENCE, exp: seconds(60) }).encode(),
    ],
  ])("%s", async (_, make) => {
    await expect(identityWith()(await make())).rejects.toThrow(refused);
  });

  it("of a known key, with an algorithm that is not listed", async () => {
    await expect(identityWith({ algorithms: ["RS256"] })(await signToken(key))).rejects.toThrow(refused);
  });

  it("whose payload was changed", async () => {
    const [header, , signature] = (await signToken(key)).split(".");
    const forged = encode({ iss: ISSUER, aud: AUDIENCE, sub: "bob", exp: seconds(600) });
    await expect(identityWith()(`${header}.${forged}.${signature}`)).rejects.toThrow(refused);
  });

  it("whose signature is a HMAC under the public key: HS256 confusion", async () => {
    const der = createPublicKey({ key: key.publicJwk, format: "jwk" }).export({ type: "spki", format: "der" });
    const pem = createPublicKey({ key: key.publicJwk, format: "jwk" }).export({ type: "spki", format: "pem" });
    const body = `${encode({ alg: "HS256", kid: "key-1" })}.${encode({ iss: ISSUER, aud: AUDIENCE, sub: "ada", exp: seconds(600) })}`;
    for (const secret of [pem, String(pem).trim(), der, JSON.stringify(key.publicJwk)]) {
      const signature = createHmac("sha256", secret).update(body).digest("base64url");
      await expect(identityWith()(`${body}.${signature}`)).rejects.toThrow(refused);
    }
  });

  it("that brings its own key, or points to one: jwk, jku, x5u", async () => {
    const evil = await startJwksServer(stranger);
    const token = (header: object) =>
      new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: "ada", exp: seconds(600) })
        .setProtectedHeader({ alg: "ES256", kid: "key-1", ...header })
        .sign(stranger.privateKey);
    const pointers = [
      { jwk: stranger.publicJwk },
      { jku: evil.url },
      { x5u: evil.url },
      { jku: evil.url, kid: "evil" },
    ];
    for (const header of pointers) await expect(identityWith()(await token(header))).rejects.toThrow(refused);
    expect(evil.fetches).toBe(0);
    await evil.close();
  });

  it("once it expires, also where it is remembered, with the tolerance that is configured", async () => {
    const clock = createHandClock();
    const owner = identityWith({ clock: clock.now });
    const token = await signToken(key, { exp: Math.floor(clock.now() / 1000) + 30 });
    await owner(token);
    clock.advance(33_000);
    await owner(token);
    clock.advance(4_000);
    await expect(owner(token)).rejects.toThrow(refused);
  });
});

describe("the provider's keys", () => {
  it("are fetched once for many tokens", async () => {
    const provider = await startJwksServer(key);
    const owner = identityWith({ jwksUrl: provider.url });
    for (let count = 0; count < 20; count += 1) await owner(await signToken(key, { sub: `user-${count}` }));
    expect(provider.fetches).toBe(1);
    await provider.close();
  });

  it("may rotate without a restart: a token of a new key is understood, one of a withdrawn key is not", async () => {
    const [old, fresh] = [await createSigningKey("old"), await createSigningKey("new")];
    const provider = await startJwksServer(old);
    const owner = identityWith({ jwksUrl: provider.url });
    await owner(await signToken(old));
    provider.publish(fresh);
    await owner(await signToken(fresh));
    await expect(owner(await signToken(old, { sub: "bob" }))).rejects.toThrow(refused);
    await provider.close();
  });

  it("are read anew before the first token after an idle time: one of a key that was withdrawn meanwhile is refused", async () => {
    const clock = createHandClock();
    const [old, fresh] = [await createSigningKey("old"), await createSigningKey("new")];
    const provider = await startJwksServer(old);
    const owner = identityWith({ jwksUrl: provider.url, clock: clock.now });
    const token = (sub: string) => signToken(old, { sub, exp: Math.floor(clock.now() / 1000) + 600 });
    await owner(await token("ada"));
    provider.publish(fresh);
    clock.advance(3_600_000);
    const attempts = await Promise.allSettled([owner(await token("bob")), owner(await token("eve"))]);
    expect(attempts.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await provider.close();
  });

  it("are not fetched again and again for tokens of unknown keys", async () => {
    const provider = await startJwksServer(key);
    const owner = identityWith({ jwksUrl: provider.url, cooldownMs: 60_000 });
    for (let count = 0; count < 20; count += 1) {
      await expect(owner(await signToken({ ...stranger, kid: `unknown-${count}` }))).rejects.toThrow(refused);
    }
    expect(provider.fetches).toBe(1);
    await provider.close();
  });

  it("serve on from memory while the provider is away, for a day", async () => {
    const clock = createHandClock();
    const provider = await startJwksServer(key);
    const owner = identityWith({ jwksUrl: provider.url, clock: clock.now });
    const token = (sub: string) => signToken(key, { sub, exp: Math.floor(clock.now() / 1000) + 600 });
    await owner(await token("ada"));
    provider.fail(true);
    for (const [index, hours] of [1, 22].entries()) {
      clock.advance(hours * 3_600_000);
      await owner(await token(`${hours}`));
      await expect.poll(() => provider.fetches).toBe(index + 2);
    }
    clock.advance(2 * 3_600_000);
    await expect(owner(await token("late"))).rejects.toThrow(refusedAs("identity_unavailable"));
    provider.fail(false);
    await owner(await token("back"));
    await provider.close();
  });

  it("that were never read let nobody in: 503, and never a pass", async () => {
    const provider = await startJwksServer(key);
    provider.fail(true);
    const owner = identityWith({ jwksUrl: provider.url });
    await expect(owner(await signToken(key))).rejects.toThrow(refusedAs("identity_unavailable"));
    await provider.close();
    await expect(owner(await signToken(key))).rejects.toThrow(refusedAs("identity_unavailable"));
  });
});
