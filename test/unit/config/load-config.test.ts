import { describe, expect, it } from "vitest";

import { ConfigError } from "../../../src/config/config-error.ts";
import { loadConfig } from "../../../src/config/load-config.ts";
import { Secret } from "../../../src/kit/secret.ts";

const MASTER_KEYS = `2026-11:${Buffer.alloc(32, 7).toString("base64")}`;

const missing = (path: string): never => {
  throw Object.assign(new Error(`no file ${path}`), { code: "ENOENT" });
};

const load = (env: Record<string, string> = {}, file?: string) =>
  loadConfig({ env, cwd: "/srv/app", readFile: file === undefined ? missing : () => file });

function mistakesOf(env: Record<string, string>, file?: string): Record<string, string> {
  try {
    load(env, file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return Object.fromEntries(error.mistakes.map(({ path, message }) => [path, message]));
  }
  return {};
}

describe("where values come from", () => {
  it("without a file and without variables every key has its default", () => {
    const config = load();
    expect(config.http).toMatchObject({ host: "127.0.0.1", port: 8787 });
    expect(config.upstream.url).toBe("https://api.openai.com/v1");
    expect(config.store.address.expose()).toBe("sqlite:./data/stategate.db");
    expect(config.history).toMatchObject({ strategy: "hybrid", window: { turns: 10 }, hybrid: { keepTurns: 5 } });
  });

  it("the file wins over the defaults, key by key", () => {
    const { promptCache } = load({}, "upstream:\n  promptCache:\n    ttlSeconds: 60\n").upstream;
    expect(promptCache).toEqual({ ttlSeconds: 60, minimumTokens: 1024, stepTokens: 128 });
  });

  it("a variable wins over the file and leaves its neighbours alone", () => {
    const { upstream } = load(
      { STATEGATE_UPSTREAM__PROMPT_CACHE__TTL_SECONDS: "600" },
      "upstream:\n  promptCache:\n    ttlSeconds: 60\n    stepTokens: 64\n",
    );
    expect(upstream.promptCache).toEqual({ ttlSeconds: 600, minimumTokens: 1024, stepTokens: 64 });
  });

  it("variables give numbers, booleans, lists and text", () => {
    const config = load({
      STATEGATE_HTTP__PORT: "0",
      STATEGATE_TELEMETRY__PROMETHEUS: "false",
      STATEGATE_IDENTITY__SESSION_ID_FROM: "conversation, prompt_cache_key",
      STATEGATE_HISTORY__SUMMARY__MODEL: "123",
    });
    expect(config.http.port).toBe(0);
    expect(config.telemetry.prometheus).toBe(false);
    expect(config.identity.sessionIdFrom).toEqual(["conversation", "prompt_cache_key"]);
    expect(config.history.summary.model).toBe("123");
  });

  it("workers are a number or `auto`, also as a variable", () => {
    expect(load().workers).toBe(1);
    expect(load({ STATEGATE_WORKERS: "4" }).workers).toBe(4);
    expect(load({ STATEGATE_WORKERS: "auto" }).workers).toBe("auto");
    expect(mistakesOf({ STATEGATE_WORKERS: "0" })).toHaveProperty("workers");
    expect(mistakesOf({ STATEGATE_WORKERS: "many" })).toHaveProperty("workers");
  });

  it("the short names of the documentation set their keys", () => {
    const config = load({
      STATEGATE_HOST: "::1",
      STATEGATE_PORT: "9000",
      STATEGATE_UPSTREAM_URL: "http://127.0.0.1:11434/v1",
      STATEGATE_STORE: "memory:",
      STATEGATE_MASTER_KEYS: MASTER_KEYS,
      STATEGATE_ADMIN_KEY: "0123456789abcdef",
    });
    expect(config.http).toMatchObject({ host: "::1", port: 9000 });
    expect(config.upstream.url).toBe("http://127.0.0.1:11434/v1");
    expect(config.store.address.expose()).toBe("memory:");
    expect(config.keys.masterKeys?.expose()).toBe(MASTER_KEYS);
    expect(config.identity.adminKey?.expose()).toBe("0123456789abcdef");
  });

  it("an empty variable counts as absent, other programs' variables do not count", () => {
    expect(load({ STATEGATE_PORT: "", STATEGATE_MASTER_KEYS: "", PORT: "1", PATH: "/bin" })).toEqual(load());
  });

  it("reads gateway.config.yaml of the working directory, or what STATEGATE_CONFIG names from there", () => {
    const read: string[] = [];
    const readFile = (path: string): string => {
      read.push(path);
      return "";
    };
    loadConfig({ env: {}, cwd: "/srv/app", readFile });
    loadConfig({ env: { STATEGATE_CONFIG: "conf/other.yaml" }, cwd: "/srv/app", readFile });
    expect(read).toEqual(["/srv/app/gateway.config.yaml", "/srv/app/conf/other.yaml"]);
  });
});

describe("mistakes", () => {
  it("are all listed at once, each with its path", () => {
    const file = "http:\n  port: 70000\n  hots: x\nstore:\n  address: mysql://db\nlogs: {}\n";
    const env = { STATEGATE_LOG__LEVEL: "loud", STATEGATE_LOGLEVEL: "info" };
    expect(mistakesOf(env, file)).toEqual({
      "http.port": expect.stringContaining("65535"),
      "http.hots": "there is no such key",
      "store.address": expect.stringContaining("expected memory:"),
      logs: "there is no such key",
      "log.level": expect.stringMatching(/expected one of.*set by STATEGATE_LOG__LEVEL/),
      STATEGATE_LOGLEVEL: "no key has this variable",
    });
  });

  it.each([
    ["http: 3\n", { STATEGATE_PORT: "1" }, "http"],
    ["[]\n", {}, "the file"],
    ["http: {}\n__proto__: {}\n", {}, "__proto__"],
    ["constructor: {}\n", {}, "constructor"],
    ["http:\n  port: '1'\n", {}, "http.port"],
    ["log:\n", {}, "log"],
  ])("the file %j has the wrong shape", (file, env, path) => {
    expect(Object.keys(mistakesOf(env, file))).toEqual([path]);
  });

  it.each([
    ["STATEGATE_PORT", "8o80", "http.port"],
    ["STATEGATE_PORT", "0x10", "http.port"],
    ["STATEGATE_PORT", "1.5", "http.port"],
    ["STATEGATE_PRODUCTION", "yes", "production"],
    ["STATEGATE_UPSTREAM_URL", "api.openai.com", "upstream.url"],
    ["STATEGATE_UPSTREAM_URL", "ftp://example.com", "upstream.url"],
    ["STATEGATE_UPSTREAM_URL", "https://ada:pw@example.com/v1", "upstream.url"],
    ["STATEGATE_STORE__TIMEOUT_MS", "0", "store.timeoutMs"],
    ["STATEGATE_MASTER_KEYS", "a:dG9vIHNob3J0", "keys.masterKeys"],
    ["STATEGATE_ADMIN_KEY", "short", "identity.adminKey"],
  ])("%s=%s is refused", (variable, value, path) => {
    const mistakes = mistakesOf({ [variable]: value });
    expect(Object.keys(mistakes)).toEqual([path]);
    expect(mistakes[path]).toContain(`(set by ${variable})`);
  });

  it("a key set by its short and its long variable is ambiguous", () => {
    const mistakes = mistakesOf({ STATEGATE_HTTP__PORT: "1", STATEGATE_PORT: "2" });
    expect(mistakes).toEqual({ STATEGATE_PORT: "sets the same key as STATEGATE_HTTP__PORT" });
  });

  it("a section is no variable", () => {
    expect(Object.keys(mistakesOf({ STATEGATE_HTTP: "x" }))).toEqual(["STATEGATE_HTTP"]);
  });

  it.each([
    ["http:\n  port: 1\n  port: 2\n", "3:3", "twice"],
    ["http: [1\n", "2:1", "not valid YAML"],
    ["log: !custom {}\n", "1:6", "not valid YAML"],
    ["a: 1\n---\nb: 2\n", "2:1", "not valid YAML"],
  ])("the place of a syntax mistake in %j is given", (file, place, message) => {
    const mistakes = mistakesOf({}, file);
    expect(mistakes[`/srv/app/gateway.config.yaml:${place}`]).toContain(message);
  });

  it("mistakes in the file's syntax do not hide those in the variables", () => {
    expect(Object.keys(mistakesOf({ STATEGATE_NONE: "1" }, "a: [\n"))).toContain("STATEGATE_NONE");
  });

  it("a file that STATEGATE_CONFIG names must exist", () => {
    const mistakes = mistakesOf({ STATEGATE_CONFIG: "gone.yaml" });
    expect(mistakes).toEqual({ STATEGATE_CONFIG: "cannot read /srv/app/gone.yaml (ENOENT)" });
  });

  it("an alias bomb is refused", () => {
    const levels = Array.from({ length: 20 }, (_, level) => `a${level + 1}: &a${level + 1} [*a${level}, *a${level}]`);
    expect(() => load({}, `a0: &a0 [x]\n${levels.join("\n")}\n`)).toThrow(ConfigError);
  });
});

describe("contradictions", () => {
  it("several workers cannot share one process's memory", () => {
    expect(mistakesOf({ STATEGATE_WORKERS: "auto", STATEGATE_STORE: "memory:" })).toHaveProperty("workers");
    expect(mistakesOf({ STATEGATE_STORE: "memory:" })).toEqual({});
  });

  it("production needs master keys", () => {
    expect(Object.keys(mistakesOf({ STATEGATE_PRODUCTION: "true" }))).toEqual(["keys.masterKeys"]);
    expect(load({ STATEGATE_PRODUCTION: "true", STATEGATE_MASTER_KEYS: MASTER_KEYS }).production).toBe(true);
  });

  it.each([
    "redis://127.0.0.1:6379",
    "rediss://db.internal",
    "redis+cluster://a:1,b:2",
    "postgres://h/d",
    "postgresql://u@h/d",
    "dynamodb://eu-central-1/stategate",
  ])("the shared store %s needs master keys", (address) => {
    expect(Object.keys(mistakesOf({ STATEGATE_STORE: address }))).toEqual(["keys.masterKeys"]);
    expect(mistakesOf({ STATEGATE_STORE: address, STATEGATE_MASTER_KEYS: MASTER_KEYS })).toEqual({});
  });

  it("a file of master keys serves where they are needed, and never beside those of the environment", () => {
    const file = { STATEGATE_KEYS__MASTER_KEY_FILE: "/run/secrets/keys" };
    expect(mistakesOf({ ...file, STATEGATE_PRODUCTION: "true" })).toEqual({});
    expect(mistakesOf({ ...file, STATEGATE_STORE: "redis://127.0.0.1:6379" })).toEqual({});
    expect(Object.keys(mistakesOf({ ...file, STATEGATE_MASTER_KEYS: MASTER_KEYS }))).toEqual(["keys.masterKeyFile"]);
  });

  it("what is no network cannot be trusted, and what is no origin cannot call", () => {
    const file =
      "http: { trustedProxies: [10.0.0.0/8, 10.0.0.0/33, 999.0.0.1, '::1'], cors: { origins: ['https://[', 'http://a'] } }";
    expect(Object.keys(mistakesOf({}, file))).toEqual([
      "http.trustedProxies.1",
      "http.trustedProxies.2",
      "http.cors.origins.0",
    ]);
  });

  it("vectors rest in PostgreSQL only, and are made by somebody, of a length that is known", () => {
    const database = { STATEGATE_HISTORY__RECALL__VECTORS: "database" };
    expect(Object.keys(mistakesOf(database))).toEqual([
      "history.recall.vectors",
      "history.recall.embeddings.model",
      "history.recall.embeddings.dimensions",
    ]);
    const complete = {
      ...database,
      STATEGATE_STORE: "postgres://h/d",
      STATEGATE_MASTER_KEYS: MASTER_KEYS,
      STATEGATE_HISTORY__RECALL__EMBEDDINGS__MODEL: "any",
      STATEGATE_HISTORY__RECALL__EMBEDDINGS__DIMENSIONS: "1536",
    };
    expect(mistakesOf(complete)).toEqual({});
    expect(Object.keys(mistakesOf({ ...complete, STATEGATE_STORE: "memory:" }))).toEqual(["history.recall.vectors"]);
  });

  it("a request's headers are a part of the request", () => {
    const mistakes = mistakesOf({}, "http: { headersTimeoutMs: 2000, requestTimeoutMs: 1000 }");
    expect(Object.keys(mistakes)).toEqual(["http.requestTimeoutMs"]);
  });

  it("a session's whole life is not shorter than its idle time", () => {
    expect(Object.keys(mistakesOf({ STATEGATE_SESSIONS__ABSOLUTE_SECONDS: "60" }))).toEqual([
      "sessions.absoluteSeconds",
    ]);
  });

  it.each([
    ["openai", "https://example.org/v1", 0],
    ["auto", "https://api.openai.com/v1", 0],
    ["auto", "https://api.openai.com.example.org/v1", 1],
    ["auto", "https://eu.api.openai.com/v1", 1],
    ["none", "https://api.openai.com/v1", 1],
    ["anthropic-compatible", "https://api.openai.com/v1", 1],
  ])("how long a prompt is cached is said to OpenAI only: profile %s, %s", (profile, url, refused) => {
    const env = { STATEGATE_UPSTREAM__PROFILE: profile, STATEGATE_UPSTREAM_URL: url };
    expect(mistakesOf(env)).toEqual({});
    const mistakes = Object.keys(mistakesOf({ ...env, STATEGATE_UPSTREAM__PROMPT_CACHE__RETENTION: "24h" }));
    expect(mistakes).toEqual(refused ? ["upstream.promptCache.retention"] : []);
  });

  it("what waits for the store does not wait in the store's own file", () => {
    const env = { STATEGATE_STORE: "sqlite:./data/stategate.db" };
    expect(mistakesOf({ ...env, STATEGATE_STORE__OUTBOX: "./data/outbox.db" })).toEqual({});
    const mistakes = mistakesOf({ ...env, STATEGATE_STORE__OUTBOX: "data/stategate.db" });
    expect(Object.keys(mistakes)).toEqual(["store.outbox"]);
  });

  it("the cap on a prompt is above the floor", () => {
    expect(Object.keys(mistakesOf({ STATEGATE_HISTORY__MAX_TOKENS: "2000" }))).toEqual(["history.maxTokens"]);
    const changed = { STATEGATE_HISTORY__MODE: "observe", STATEGATE_REDACTION__MODE: "upstream" };
    expect(Object.keys(mistakesOf(changed))).toEqual(["history.mode"]);
  });
});

describe("secrets", () => {
  const env = {
    STATEGATE_MASTER_KEYS: MASTER_KEYS,
    STATEGATE_ADMIN_KEY: "hunter2hunter2hunter2",
    STATEGATE_STORE: "redis://:hunter2@127.0.0.1:6379",
  };

  it("are unprintable", () => {
    const config = load(env);
    expect(config.identity.adminKey).toBeInstanceOf(Secret);
    const printed = `${JSON.stringify(config)}${String(config.keys.masterKeys)}`;
    expect(printed).not.toMatch(/hunter2|BwcH/);
  });

  it("do not show in the mistakes either", () => {
    const wrong = {
      ...env,
      STATEGATE_MASTER_KEYS: "hunter2",
      STATEGATE_STORE: "hunter2://",
      STATEGATE_ADMIN_KEY: "hunter2",
    };
    expect(JSON.stringify(mistakesOf(wrong, "keys: !hunter2 x\nidentity: {adminKey: [hunter2]}\n"))).not.toContain(
      "hunter2",
    );
  });
});

it("the result is frozen all the way down", () => {
  const config = load();
  const open = (value: unknown): boolean =>
    typeof value === "object" && value !== null && (!Object.isFrozen(value) || Object.values(value).some(open));
  expect({ ...config, store: undefined }).toSatisfy((sections) => !Object.values(sections).some(open));
  expect(Object.isFrozen(config.store)).toBe(true);
});
