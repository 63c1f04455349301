import { createHash } from "node:crypto";

import { describe, expect, it } from "vitest";

import { SECRET_RULES } from "../../../src/redaction/detectors/secret-vendors.ts";
import { createRandom } from "../../support/pii/random.ts";
import { findingsOf } from "../../support/pii/score.ts";
import { SECRET_VENDORS, secretSample } from "../../support/pii/secret-samples.ts";
import { inCiOrProving } from "../../support/prove.ts";
import { redacted, shape } from "./redaction-probe.ts";

const HEX = createHash("sha512").update("seed").digest("hex");
const MIXED = createHash("sha512").update("seed").digest("base64").replaceAll(/[+/=]/g, "") + HEX;
const LETTERS = "qWcVbNmZxCvBaSdFgHjKlPoIuYtReWqAsDfGhJk";

/** A key as the vendor makes it; put together here, so that no scanner takes this file for a leak. */
function sample(prefix: string, body: string): string {
  return prefix + body;
}

const KEYS: Record<string, string> = {
  openai: sample("sk-", MIXED.slice(0, 48)),
  "openai project": sample("sk-proj-", `${MIXED.slice(0, 40)}_${MIXED.slice(3, 60)}`),
  anthropic: sample("sk-ant-api03-", `${MIXED.slice(0, 93)}AA`),
  openrouter: sample("sk-or-v1-", HEX.slice(0, 64)),
  "github classic": sample("ghp_", MIXED.slice(0, 36)),
  "github oauth": sample("gho_", MIXED.slice(0, 36)),
  "github fine-grained": sample("github_pat_", MIXED.slice(0, 82)),
  gitlab: sample("glpat-", MIXED.slice(0, 20)),
  aws: sample("AKIA", "IOSFODNN7QWERTY2"),
  google: sample("AIza", MIXED.slice(0, 35)),
  "google oauth": sample("ya29.", MIXED.slice(0, 60)),
  slack: sample("xoxb-", `123456789012-123456789012-${MIXED.slice(0, 24)}`),
  "slack app": sample("xapp-", `1-A0123456789-1234567890123-${HEX.slice(0, 64)}`),
  stripe: sample("sk_live_", MIXED.slice(0, 24)),
  "stripe restricted": sample("rk_live_", MIXED.slice(0, 24)),
  huggingface: sample("hf_", LETTERS.slice(0, 34)),
  npm: sample("npm_", MIXED.slice(0, 36)),
  pypi: sample("pypi-AgEIcHlwaS5vcmc", MIXED.slice(0, 80)),
  sendgrid: sample("SG.", `${MIXED.slice(0, 22)}.${MIXED.slice(10, 53)}`),
  twilio: sample("SK", HEX.slice(0, 32)),
  telegram: sample("123456789:AA", MIXED.slice(0, 33)),
  digitalocean: sample("dop_v1_", HEX.slice(0, 64)),
  databricks: sample("dapi", HEX.slice(0, 32)),
  shopify: sample("shpat_", HEX.slice(0, 32)),
  linear: sample("lin_api_", MIXED.slice(0, 40)),
  notion: sample("ntn_", `12345678901${MIXED.slice(0, 35)}`),
  postman: sample("PMAK-", `${HEX.slice(0, 24)}-${HEX.slice(30, 64)}`),
  groq: sample("gsk_", MIXED.slice(0, 52)),
  perplexity: sample("pplx-", MIXED.slice(0, 48)),
  replicate: sample("r8_", MIXED.slice(0, 37)),
  newrelic: sample("NRAK-", MIXED.slice(0, 27).toUpperCase()),
  hashicorp: sample("hvs.", MIXED.slice(0, 95)),
  terraform: `${MIXED.slice(0, 14)}.atlasv1.${MIXED.slice(0, 64)}`,
  azure: `${MIXED.slice(0, 3)}8Q~${MIXED.slice(4, 38)}`,
  mailgun: sample("key-", HEX.slice(0, 32)),
  jwt: sample("eyJhbGciOiJIUzI1NiJ9", `.eyJzdWIiOiIxMjM0In0.${MIXED.slice(0, 43)}`),
};

describe("vendor keys", () => {
  it.each(Object.entries(KEYS))("%s", async (_, key) => {
    expect(await shape(`the key is ${key}, keep it`)).toBe("the key is [SECRET], keep it");
    expect(await redacted(`export TOKEN="${key}"\n_${key}_`)).not.toContain(key);
  });

  it("covers more than 25 vendors with distinct prefixes", () => {
    expect(new Set(SECRET_RULES.map((rule) => rule.vendor)).size).toBeGreaterThan(60);
    expect(new Set(SECRET_RULES.map((rule) => rule.prefix)).size).toBe(SECRET_RULES.length);
  });

  it.each([
    "sk-learn-pipeline-with-many-steps, sk-fading-circle-container",
    "skill, ghp_short, AKIA, npm_config_registry_url_of_the_company, hf_transformers",
    "s.replaceAllOccurrencesOfStringWithAnother(x), mfa.required, key-value-store-with-a-long-name",
    `commit ${HEX.slice(0, 40)}, sha512-${MIXED.slice(0, 60)}`,
    `build ${HEX.slice(0, 32)}-user, image@sha256:${HEX.slice(0, 64)}, re_export_all_modules_of_this_library_here`,
    "api-reference-documentation-of-the-product, sdk-for-javascript-developers-everywhere, mob-programming-for-beginners",
    "NodeModulesAreNotAlwaysFine.config.with.many.dotted.names.in.a.row, MainApplicationController.method.call",
  ])("leaves names alone: %s", async (text) => {
    expect(await redacted(text)).toBe(text);
  });
});

describe("generated keys in the places where keys stand", () => {
  it("are found whole, of every vendor", () => {
    const random = createRandom(20_261_126);
    const each = inCiOrProving(8, 200);
    const missed = SECRET_VENDORS.flatMap((vendor) =>
      Array.from({ length: each }, () => secretSample(vendor, random)).filter(
        ({ text, start, end }) =>
          !findingsOf(text).some((found) => found.type === "SECRET" && found.start <= start && found.end >= end),
      ),
    );
    const tried = SECRET_VENDORS.length * each;
    const vendors = [...new Set(missed.map(({ kind }) => kind))].join(", ");
    process.stdout.write(
      `P8: ${tried - missed.length} of ${tried} keys of ${SECRET_VENDORS.length} kinds, missed some of: ${vendors}\n`,
    );
    expect(1 - missed.length / tried).toBeGreaterThanOrEqual(0.98);
  });
});

describe("private keys", () => {
  const fence = (word: string, label: string): string => `-----${word} ${label}-----`;
  const body = `${MIXED.slice(0, 64)}\n${MIXED.slice(20, 84)}==\n`;

  it.each(["RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"])("%s", async (label) => {
    const key = `${fence("BEGIN", label)}\n${body}${fence("END", label)}`;
    expect(await shape(`before\n${key}\nafter`)).toBe("before\n[SECRET]\nafter");
    expect(JSON.parse(await shape(JSON.stringify({ key })))).toEqual({ key: "[SECRET]" });
  });

  it("that was cut ends with its base64", async () => {
    const cut = `${fence("BEGIN", "PRIVATE KEY")}\n${body}`;
    expect(await shape(`${cut}and so on`)).not.toContain(MIXED.slice(0, 20));
  });

  it("and no public one", async () => {
    const key = `${fence("BEGIN", "PUBLIC KEY")}\n${body}${fence("END", "PUBLIC KEY")}`;
    expect(await redacted(key)).toBe(key);
  });
});

describe("passwords and assigned keys", () => {
  it.each([
    ["postgres://app:s3cr%et@db.internal/x", "postgres://app:[SECRET]@db.internal/x"],
    ["redis://:p@ss@word@cache:6379", "redis://:[SECRET]@cache:6379"],
    ['password: "hunter22x"', 'password: "[SECRET]"'],
    ["my password is: Tr0ub4dor&3.", "my password is: [SECRET]."],
    [`aws_secret_access_key = ${MIXED.slice(0, 40)}`, "aws_secret_access_key = [SECRET]"],
    [`{"apiKey":"${HEX.slice(0, 32)}"}`, '{"apiKey":"[SECRET]"}'],
    [`DATADOG=${HEX.slice(0, 40)}`, "DATADOG=[SECRET]"],
    [`Authorization: Bearer ${MIXED.slice(0, 30)}`, "Authorization: Bearer [SECRET]"],
  ])("%s", async (text, stored) => {
    expect(await shape(text)).toBe(stored);
  });

  it.each([
    "password: string; token = getToken(); secret = process.env.API_KEY2",
    "https://example.com:8080/path, postgres://app:${PASSWORD}@db/x, postgres://app@db/x",
    'next_page_token: "CAUQAA1b2c3d4e5f6g7h8", max_tokens: 4096, token_expires_at: "2026-01-01T10:00:00Z"',
    "exports.rememberX509Credential = exports.findX509OAuthError",
  ])("leaves code alone: %s", async (text) => {
    expect(await redacted(text)).toBe(text);
  });
});
