import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startGatewayProcess } from "../../support/gateway-process.ts";
import { createTempFolder, type TempFolder } from "../../support/store-temp-folder.ts";

interface Loaded {
  readonly pid: number;
  readonly builtIn: readonly string[];
  /** URLs of every file of a package. */
  readonly files: readonly string[];
}

/** Runs before the gateway, in whatever process is to become it. */
const witness = `
  import { registerHooks } from "node:module";
  import { writeFileSync } from "node:fs";
  import { isMainThread } from "node:worker_threads";
  const files = [];
  const load = (url, context, next) => (url.includes("/node_modules/") && files.push(url), next(url, context));
  if (isMainThread) registerHooks({ load });
  if (isMainThread) process.on("exit", () => {
    const { pid, moduleLoadList: builtIn } = process;
    writeFileSync(process.env.WITNESS, JSON.stringify({ pid, builtIn, files }));
  });`;

let folder: TempFolder;
let first: Loaded & { readonly spawned: number };
beforeAll(async () => {
  folder = await createTempFolder();
  first = await startOnce();
});
afterAll(() => folder.remove());

describe("a first start", () => {
  it("leaves the type stripper behind, with the process that compiled", () => {
    expect(first.builtIn).toContain("NativeModule sqlite");
    expect(first.builtIn.filter((name) => name.includes("amaro"))).toEqual([]);
  });

  it("goes on under the number that it was given", () => expect(first.pid).toBe(first.spawned));

  it("loads no package, or part of one, that nothing has asked for", () => {
    const unwanted =
      /[/]node_modules[/](?:yaml|libphonenumber-js|jose|openai|pg|ioredis|@aws-sdk|js-tiktoken|@orama)[/]/;
    const unwantedParts =
      /undici[/]lib[/](?:web|cache|mock)[/](?!fetch[/](?:constants|util)|infra)|exporter-.*-otlp|sdk-logs/;
    expect(first.files.length).toBeGreaterThan(100);
    expect(first.files.filter((url) => unwanted.test(url) || unwantedParts.test(url))).toEqual([]);
  });
});

async function startOnce(): Promise<Loaded & { readonly spawned: number }> {
  const record = join(folder.path, "loaded.json");
  const env = {
    STATEGATE_STORE: `sqlite:${join(folder.path, "stategate.db")}`,
    STATEGATE_PRICES__FILE: fileURLToPath(new URL("../../../config/prices.json", import.meta.url)),
    NODE_COMPILE_CACHE: join(folder.path, "compiled"),
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(witness)}`,
    WITNESS: record,
  };
  const gateway = await startGatewayProcess(env, folder.path);
  await gateway.stop();
  return { ...(JSON.parse(readFileSync(record, "utf8")) as Loaded), spawned: gateway.pid };
}
