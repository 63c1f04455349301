import { readdirSync, readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";
import { parse } from "yaml";

import { configSchema } from "../../../src/config/config-schema.ts";
import { loadConfig } from "../../../src/config/load-config.ts";
import { variableName } from "../../../src/config/read-variables.ts";
import { schemaLeaves } from "../../../src/config/schema-leaves.ts";
import { configJsonSchema } from "../../../tools/config-json-schema.ts";
import { renderDefaultConfig } from "../../../tools/render-default-config.ts";

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const load = (file: string, env: Record<string, string> = {}) => loadConfig({ env, cwd: "/", readFile: () => file });

const leaves = schemaLeaves(configSchema);
const masterKeys = { STATEGATE_MASTER_KEYS: `a:${Buffer.alloc(32).toString("base64")}` };
/** What the comments at the top of a profile ask for besides. */
const secrets: Readonly<Record<string, Record<string, string>>> = {
  "issued-keys.yaml": { STATEGATE_UPSTREAM__API_KEY: "sk-of-the-operator" },
};

describe("gateway.config.yaml", () => {
  const text = read("gateway.config.yaml");
  const withExamples = text.replaceAll(/^( *)#(?=\w+: )/gm, "$1");

  it("says exactly the defaults", () => {
    const [stated, defaults] = [load(text), load("")];
    expect(stated).toEqual(defaults);
    expect(stated.store.address.expose()).toBe(defaults.store.address.expose());
  });

  it("names every key of the schema, those without a default as a comment", () => {
    const document: unknown = parse(withExamples);
    const valueAt = (path: readonly string[]): unknown =>
      path.reduce<unknown>((value, key) => (value instanceof Object ? Reflect.get(value, key) : undefined), document);
    expect(leaves.filter(({ path }) => valueAt(path) === undefined)).toEqual([]);
  });

  it("is what the schema renders: run `npm run config:schema`", () => {
    expect(text).toBe(renderDefaultConfig(configJsonSchema()));
  });
});

it("config/gateway.schema.json is what the schema renders: run `npm run config:schema`", () => {
  expect(JSON.parse(read("config/gateway.schema.json"))).toEqual(configJsonSchema());
});

it("every key has a variable of its own", () => {
  const names = leaves.map(({ path }) => variableName(path));
  expect(new Set(names).size).toBe(names.length);
});

describe("the example profiles", () => {
  const profiles = readdirSync(new URL("../../../config/profiles", import.meta.url));

  it("exist", () => expect(profiles).toHaveLength(3));

  it.each(profiles)("%s is a valid configuration", (name) => {
    expect(() => load(read(`config/profiles/${name}`), { ...masterKeys, ...secrets[name] })).not.toThrow();
  });

  it("issued-keys.yaml does not start without the account's key", () => {
    expect(() => load(read("config/profiles/issued-keys.yaml"))).toThrow("upstream.apiKey");
  });

  it("production-redis.yaml does not start without master keys", () => {
    expect(() => load(read("config/profiles/production-redis.yaml"))).toThrow("keys.masterKeys");
  });
});
