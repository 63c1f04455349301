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
import { masterKeys } from "./test-master-keys.ts";

const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

const counters = openTokenCounters({ cacheDirectory: join(sharedFolder, "cache"), log: silent });

/** What a user is answered who asks for everything, as lines. */
export async function exportOf(gateway: TestGateway, request: WireRequest = {}): Promise<string[]> {
  const answer = await send(gateway, "/me/export", request);
  if (answer.status !== 200) throw new Error(`no export: ${answer.status} ${answer.text}`);
  return answer.text.trimEnd().split("\n");
}

/** All that two exports of equal data have in common: every line but the first. */
export const bodyOf = (lines: readonly string[]): readonly string[] => lines.slice(1);

export async function ownerOf(gateway: TestGateway, request: WireRequest = {}): Promise<string> {
  const answer = await send(gateway, "/me", request);
  if (answer.status !== 200) throw new Error(`nobody: ${answer.status} ${answer.text}`);
  return answer.json<{ id: string }>().id;
}

/** The store of a test gateway, opened beside it. */
export const openVaultOf = (gateway: TestGateway): Promise<Vault> =>
  openVaultOn(`sqlite:${join(gateway.folder, "stategate.db")}`, {
    STATEGATE_KEYS__DEVELOPMENT_KEY_FILE: join(sharedFolder, "development.key"),
  });

/** With the master keys of most tests. */
export async function openVaultOn(address: string, env: Readonly<Record<string, string>> = masterKeys): Promise<Vault> {
  const config = loadConfig({
    cwd: sharedFolder,
    env: { STATEGATE_STORE: address, STATEGATE_STORE__TIMEOUT_MS: "20000", ...env },
  });
  return openVault(config, { log: silent, clock: Date.now });
}

/** Imports lines, or what is read each time, into the store behind a vault. */
export async function importInto(
  vault: Vault,
  owner: string,
  source: readonly string[] | (() => AsyncIterable<Buffer>),
) {
  await counters.ready;
  const parts = createImportParts({
    ...vault,
    sessions: vault.store.sessions,
    records: vault.store.records,
    clock: Date.now,
    redactor: createRedactor(loadConfig({ cwd: sharedFolder, env: {} }).redaction),
    placeholders: (key) => placeholderNamer(vault.keyedHash, key),
    counter: counters.forModel("gpt-5"),
    keepsWithheld: true,
    maxLifeMs: 30 * 86_400_000,
  });
  const open = (): AsyncIterable<Buffer> =>
    typeof source === "function" ? source() : Readable.from([Buffer.from(`${source.join("\n")}\n`)]);
  return importUser(parts, owner, open);
}
