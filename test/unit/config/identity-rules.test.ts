import { createHash } from "node:crypto";

import { describe, expect, it } from "vitest";

import { ConfigError } from "../../../src/config/config-error.ts";
import { loadConfig } from "../../../src/config/load-config.ts";

/** Paths of what is wrong. */
function mistakesOf(env: Record<string, string>, file = ""): string[] {
  const named = Object.fromEntries(Object.entries(env).map(([name, value]) => [`STATEGATE_${name}`, value]));
  try {
    loadConfig({ env: named, cwd: "/", readFile: () => file });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.mistakes.map(({ path }) => path);
  }
}
const KEY = { UPSTREAM__API_KEY: "sk-of-the-operator" };
const OPEN = { HTTP__HOST: "0.0.0.0" };
const JWT = {
  ...KEY,
  IDENTITY__MODE: "jwt",
  IDENTITY__JWT__JWKS_URL: "https://id.example.com/jwks.json",
  IDENTITY__JWT__ISSUER: "https://id.example.com/",
  IDENTITY__JWT__AUDIENCE: "stategate",
};
const without = (env: Record<string, string>, name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter(([key]) => key !== name));
const tenants = (...credentials: string[]): string =>
  `identity:\n  tenants:\n${credentials.map((one, at) => `    - {name: t${at}, credentials: ["${one}"]}\n`).join("")}`;
const digest = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex")}`;

describe("an identity that could let the wrong people in, or nobody, does not start", () => {
  it.each<[string, Record<string, string>, string[]]>([
    ["keys mode without a key for the upstream", { IDENTITY__MODE: "keys" }, ["upstream.apiKey"]],
    ["jwt mode without a key for the upstream", without(JWT, "UPSTREAM__API_KEY"), ["upstream.apiKey"]],
    ["jwt mode without the provider's keys", without(JWT, "IDENTITY__JWT__JWKS_URL"), ["identity.jwt.jwksUrl"]],
    ["jwt mode without an issuer", without(JWT, "IDENTITY__JWT__ISSUER"), ["identity.jwt.issuer"]],
    ["jwt mode without an audience", without(JWT, "IDENTITY__JWT__AUDIENCE"), ["identity.jwt.audience"]],
    [
      "a provider's keys in clear over a network",
      { ...JWT, IDENTITY__JWT__JWKS_URL: "http://id/jwks" },
      ["identity.jwt.jwksUrl"],
    ],
    ["an issuer in another mode", { IDENTITY__JWT__ISSUER: "x" }, ["identity.jwt.issuer"]],
    ["algorithms with a shared secret", { ...JWT, IDENTITY__JWT__ALGORITHMS: "HS256" }, ["identity.jwt.algorithms.0"]],
    ["no algorithm at all", { ...JWT, IDENTITY__JWT__ALGORITHMS: "none" }, ["identity.jwt.algorithms.0"]],
    ["anonymous callers without a key for the upstream", { IDENTITY__ANONYMOUS: "minted" }, ["upstream.apiKey"]],
    [
      "anonymous sessions whose ids have fewer bits",
      { ...KEY, IDENTITY__ANONYMOUS: "minted", SESSIONS__ID_FORMAT: "uuid4" },
      ["sessions.idFormat"],
    ],
    ["shared routes of no shared account", { UPSTREAM__SHARED_ROUTES: "GET /files" }, ["upstream.sharedRoutes"]],
    ["the gateway's upstream key for anybody on the network", { ...KEY, ...OPEN }, ["identity.tenants"]],
    [
      "a cookie for every site",
      { ...KEY, IDENTITY__MODE: "keys", IDENTITY__COOKIE__SAME_SITE: "none" },
      ["identity.cookie.sameSite"],
    ],
    [
      "a login whose whole life is shorter than its idle time",
      { IDENTITY__COOKIE__ABSOLUTE_SECONDS: "60" },
      ["identity.cookie.absoluteSeconds"],
    ],
  ])("%s", (_, env, paths) => {
    expect(mistakesOf(env)).toEqual(paths);
  });

  it.each([
    ["a digest that is none", tenants("sha256:abc"), ["identity.tenants.0.credentials.0"]],
    ["one credential of two tenants", tenants("sk-a", "sk-a"), ["identity.tenants.1.credentials.0"]],
    ["the same, once as its digest", tenants("sk-a", digest("sk-a")), ["identity.tenants.1.credentials.0"]],
  ])("%s", (_, file, paths) => {
    expect(mistakesOf({}, file)).toEqual(paths);
  });

  it("tenants of another mode", () => {
    expect(mistakesOf({ ...KEY, IDENTITY__MODE: "keys" }, tenants("sk-a"))).toEqual(["identity.tenants"]);
  });

  it("two tenants of one name", () => {
    const file = tenants("sk-a", "sk-b").replace("t1", "t0");
    expect(mistakesOf({}, file)).toEqual(["identity.tenants.1.name"]);
  });
});

describe("an identity that is right starts", () => {
  it.each<[string, Record<string, string>, string]>([
    ["keys mode", { ...KEY, ...OPEN, IDENTITY__MODE: "keys" }, ""],
    ["jwt mode", { ...JWT, ...OPEN }, ""],
    ["jwt mode with a provider on this machine", { ...JWT, IDENTITY__JWT__JWKS_URL: "http://127.0.0.1:9/jwks" }, ""],
    [
      "a shared account for listed tenants",
      { ...KEY, ...OPEN, UPSTREAM__SHARED_ROUTES: "GET /files/*" },
      tenants("sk-a"),
    ],
    ["a shared account on this machine alone", KEY, ""],
    ["anonymous callers", { ...KEY, ...OPEN, IDENTITY__ANONYMOUS: "minted" }, ""],
    [
      "a cookie for listed sites",
      { ...KEY, IDENTITY__MODE: "keys", IDENTITY__COOKIE__SAME_SITE: "none", HTTP__CORS__ORIGINS: "https://a.example" },
      "",
    ],
  ])("%s", (_, env, file) => {
    expect(mistakesOf(env, file)).toEqual([]);
  });

  it("and shows none of its credentials", () => {
    const named = { STATEGATE_UPSTREAM__API_KEY: "hunter2" };
    const config = loadConfig({ env: named, cwd: "/", readFile: () => tenants("hunter2-tenant") });
    expect(JSON.stringify(config)).not.toContain("hunter2");
  });
});
