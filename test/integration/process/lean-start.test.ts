import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startGatewayProcess } from "../../support/gateway-process.ts";
import { createTempFolder, type TempFolder } from "../../support/store-temp-folder.ts";

/** Runs before the gateway, in its process. */
const witness = `
  import { registerHooks } from "node:module";
  import { writeFileSync } from "node:fs";
  import { isMainThread } from "node:worker_threads";
  const files = [];
  const load = (url, context, next) => (url.includes("/node_modules/") && files.push(url), next(url, context));
  if (isMainThread) registerHooks({ load });
  if (isMainThread) process.on("exit", () => writeFileSync(process.env.WITNESS, JSON.stringify(files)));`;

let folder: TempFolder;
let loaded: readonly string[];
beforeAll(async () => {
  folder = await createTempFolder();
  loaded = await startOnce();
});
afterAll(() => folder.remove());

describe("a start", () => {
  it("loads no package, or part of one, that nothing has asked for", () => {
    const unwanted =
      /[/]node_modules[/](?:yaml|libphonenumber-js|jose|openai|pg|ioredis|@aws-sdk|js-tiktoken|@orama)[/]/;
    const unwantedParts =
      /undici[/]lib[/](?:web|cache|mock)[/](?!fetch[/](?:constants|util)|infra)|exporter-.*-otlp|sdk-logs/;
    expect(loaded.length).toBeGreaterThan(100);
    expect(loaded.filter((url) => unwanted.test(url) || unwantedParts.test(url))).toEqual([]);
  });
});

/** URLs of every file of a package. */
async function startOnce(): Promise<string[]> {
  const record = join(folder.path, "loaded.json");
  const env = {
    STATEGATE_STORE: `sqlite:${join(folder.path, "stategate.db")}`,
    STATEGATE_PRICES__FILE: fileURLToPath(new URL("../../../config/prices.json", import.meta.url)),
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(witness)}`,
    WITNESS: record,
  };
  const gateway = await startGatewayProcess(env, folder.path);
  await gateway.stop();
  return JSON.parse(readFileSync(record, "utf8")) as string[];
}
