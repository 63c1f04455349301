import { createReadStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";

import { loadConfig } from "../../src/config/load-config.ts";
import type { Log } from "../../src/kit/log.ts";
import { createRedactor } from "../../src/redaction/create-redactor.ts";
import { placeholderNamer } from "../../src/redaction/placeholder-namer.ts";
import { openTokenCounters } from "../../src/tokens/open-token-counters.ts";
import { createImportParts } from "../../src/users/import-parts.ts";
import { importUser } from "../../src/users/import-user.ts";
import { openVault, type Vault } from "../../src/vault.ts";
import { send, type WireRequest } from "./http-calls.ts";
import { sharedFolder, type TestGateway } from "./test-gateway.ts";

export const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** What a user is answered who asks for everything, as lines. */
export async function exportOf(gateway: TestGateway, request: WireRequest = {}): Promise<string[]> {
  const answer = await send(gateway, "/me/export", request);
  if (answer.status !== 200) throw new Error(`no export: ${answer.status} ${answer.text}`);
  return answer.text.trimEnd().split("\n");
}

/** All that two exports of equal data have in common: every line but the first. */
export const bodyOf = (lines: readonly string[]): readonly string[] => lines.slice(1);

export async function ownerOf(gateway: TestGateway, request: WireRequest = {}): Promise<string> {
  const [header = "{}"] = await exportOf(gateway, request);
  return (JSON.parse(header) as { user: string }).user;
}

/** The store of a test gateway, opened beside it. */
export async function openVaultOf(gateway: TestGateway, clock: () => number = Date.now): Promise<Vault> {
  const config = loadConfig({
    cwd: gateway.folder,
    env: {
      STATEGATE_STORE: `sqlite:${join(gateway.folder, "stategate.db")}`,
      STATEGATE_KEYS__DEVELOPMENT_KEY_FILE: join(sharedFolder, "development.key"),
      STATEGATE_STORE__TIMEOUT_MS: "20000",
    },
  });
  return openVault(config, { log: silent, clock });
}

/** Imports lines, or a file, into the store behind a vault. */
export async function importInto(vault: Vault, owner: string, source: readonly string[] | string) {
  const counters = openTokenCounters({ cacheDirectory: join(sharedFolder, "cache"), log: silent });
  await counters.ready;
  const parts = createImportParts({
    ...vault,
    sessions: vault.store.sessions,
    records: vault.store.records,
    clock: Date.now,
    redactor: createRedactor(loadConfig({ cwd: sharedFolder, env: {} }).redaction),
    placeholders: (key) => placeholderNamer(vault.keyedHash, key),
    counter: counters.forModel("gpt-5"),
  });
  const open = (): AsyncIterable<Buffer> =>
    typeof source === "string" ? createReadStream(source) : Readable.from([Buffer.from(`${source.join("\n")}\n`)]);
  return importUser(parts, owner, open);
}
