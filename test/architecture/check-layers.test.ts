import { describe, expect, it } from "vitest";

import { checkLayers } from "./check-layers.ts";

/** A house in order, with one file changed. */
const breachesOf = (changed: Readonly<Record<string, string>>): string[] =>
  checkLayers(
    new Map(
      Object.entries({
        "kit/clock.ts": "export const now = 1;",
        "errors/gateway-error.ts": 'import { now } from "../kit/clock.ts"; export const error = now;',
        "store/session-store.ts": "export interface SessionStore {}",
        "store/redis/redis-backend.ts": 'import { Redis } from "ioredis"; export const redis = Redis;',
        "store/sqlite/sqlite-backend.ts": "export const sqlite = 1;",
        "turn/run-turn.ts":
          'import type { SessionStore } from "../store/session-store.ts"; export type Turn = SessionStore;',
        "telemetry/sdk.ts": "export const sdk = 1;",
        "process/serve.ts": 'import { sdk } from "../telemetry/sdk.ts"; export const served = sdk;',
        "main.ts": 'import { served } from "./process/serve.ts"; const { env } = process; console.log(served, env);',
        ...changed,
      }),
    ),
  );

it("a house in order has no breach", () => expect(breachesOf({})).toEqual([]));

describe("a forbidden import is seen in every form", () => {
  const target = "../store/redis/redis-backend.ts";
  it.each([
    ["value", `import { redis } from "${target}";`],
    ["value", `import * as all from "${target}";`],
    ["value", `import "${target}";`],
    ["value", `import { type A, redis } from "${target}";`],
    ["value", `import redis = require("${target}");`],
    ["type", `import type { Redis } from "${target}";`],
    ["type", `import { type Redis } from "${target}";`],
    ["type", `type Redis = import("${target}").Redis;`],
    ["type", `type Redis = typeof import("${target}");`],
    ["dynamic", `const redis = await import("${target}");`],
    ["dynamic", `const redis = require("${target}");`],
    ["re-export", `export { redis } from "${target}";`],
    ["re-export", `export type { Redis } from "${target}";`],
    ["re-export", `export * from "${target}";`],
    ["url", `new Worker(new URL("${target}", import.meta.url));`],
  ])("%s: %s", (kind, source) => {
    const breach = `turn/run-turn.ts may not import ${target} (${kind})`;
    expect(breachesOf({ "turn/run-turn.ts": source })).toContainEqual(expect.stringContaining(breach));
  });

  it.each(["await import(name);", "await import(`../store/${name}`);", "require(name);"])("computed: %s", (source) => {
    expect(breachesOf({ "turn/run-turn.ts": `const name = "x"; ${source}` })).toHaveLength(1);
  });
});

describe("layers", () => {
  it.each([
    ["a leaf imports nothing", "kit/clock.ts", 'import type { X } from "../errors/gateway-error.ts";'],
    ["adapters never meet", "store/sqlite/sqlite-backend.ts", 'import { redis } from "../redis/redis-backend.ts";'],
    ["a contract drags nothing along", "store/session-store.ts", 'import { redis } from "./redis/redis-backend.ts";'],
    ["the SDK is the process's alone", "gateway.ts", 'import { sdk } from "./telemetry/sdk.ts";'],
    ["nobody imports the process", "turn/run-turn.ts", 'import "../main.ts";'],
    ["nothing outside src is imported", "turn/run-turn.ts", 'import "../../test/support/clock.ts";'],
    ["nothing that is not there is imported", "turn/run-turn.ts", 'import "./gone.ts";'],
  ])("%s", (_, path, source) => expect(breachesOf({ [path]: source })).toHaveLength(1));

  it("a contract does not import its own folder's other files", () => {
    const sources = { "store/circuit.ts": "export const a = 1;", "store/session-store.ts": 'import "./circuit.ts";' };
    expect(breachesOf(sources)).toHaveLength(1);
  });

  it.each(["cache/lru.ts", "store/mongo/mongo-backend.ts", "server.ts"])("the new place %s needs a row", (path) => {
    expect(breachesOf({ [path]: "export const a = 1;" })).toEqual([`${path} is in no place of the table`]);
  });
});

describe("packages have doors", () => {
  it.each([
    ["turn/run-turn.ts", "ioredis"],
    ["turn/run-turn.ts", "openai/resources"],
    ["turn/run-turn.ts", "node:sqlite"],
    ["telemetry/turn-meter.ts", "@opentelemetry/sdk-metrics"],
    ["kit/clock.ts", "a-package-without-a-row"],
    ["kit/clock.ts", "@hono/node-server/serve"],
  ])("%s may not import %s", (path, name) => {
    expect(breachesOf({ [path]: `import "${name}";` })).toEqual([`${path} may not import ${name} (value)`]);
  });

  it("built-in modules are free", () => expect(breachesOf({ "kit/clock.ts": 'import "node:fs";' })).toEqual([]));
});

describe("habits", () => {
  it.each(["export default 1;", "const a = 1; export { a as default };", "export default function run() {}"])(
    "no default export: %s",
    (source) => expect(breachesOf({ "kit/clock.ts": source })).toEqual(["kit/clock.ts has a default export"]),
  );

  it.each(['export { a } from "./a.ts";', 'export * from "./a.ts";', 'import { a } from "./a.ts"; export { a };'])(
    "no barrel: %s",
    (source) => {
      const sources = { "turn/a.ts": "export const a = 1;", "turn/index.ts": source };
      expect(breachesOf(sources)).toEqual(["turn/index.ts exports what another file made"]);
    },
  );

  it.each([
    "process.env.HOME;",
    'process.env["HOME"];',
    'process["env"];',
    "globalThis.process.env;",
    "const { env } = process;",
    "const { ...all } = process;",
    'import { env } from "node:process";',
    'import process from "process";',
    "import.meta.env;",
  ])("the environment is read by main.ts alone: %s", (source) => {
    expect(breachesOf({ "kit/clock.ts": source })).toContain("kit/clock.ts reads the environment");
  });

  it("process itself may be used", () => {
    expect(breachesOf({ "kit/clock.ts": "process.platform; const { pid } = process; config.env;" })).toEqual([]);
  });
});

describe("cycles", () => {
  const cycle = (form: string): string[] =>
    breachesOf({
      "turn/a.ts": form,
      "turn/b.ts": 'import { c } from "./c.ts";',
      "turn/c.ts": 'import { a } from "./a.ts";',
    });

  it.each(['import { b } from "./b.ts";', 'await import("./b.ts");'])("are seen: %s", (form) => {
    expect(cycle(form)).toEqual(["cycle: turn/a.ts -> turn/b.ts -> turn/c.ts -> turn/a.ts"]);
  });

  it("of types are none", () => expect(cycle('import type { B } from "./b.ts";')).toEqual([]));
});

it("source that does not parse is not passed over", () => {
  expect(() => breachesOf({ "kit/clock.ts": "import {" })).toThrow(SyntaxError);
});
