import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { loadConfig } from "../../../src/config/load-config.ts";
import type { RecordStore } from "../../../src/store/record-store.ts";
import { openVault, type Vault } from "../../../src/vault.ts";
import { runOperatorCommand } from "../../support/run-operator-command.ts";
import { createRecordedLog } from "../../support/store-log.ts";
import { createTempFolder, type TempFolder } from "../../support/store-temp-folder.ts";

const masterKey = (id: string): string => `${id}:${randomBytes(32).toString("base64")}`;
const [old, fresh, lost] = [masterKey("old"), masterKey("new"), masterKey("lost")];

let folder: TempFolder;
beforeEach(async () => {
  folder = await createTempFolder();
  await withVault([old], async ({ sealer }) => void (await sealer.forNewSession(sessionOf("ada"))));
});
afterEach(() => folder.remove());

const sessionOf = (owner: string) => ({ owner, key: "session", incarnation: "0".repeat(32) });
const envWith = (masterKeys: readonly string[]) => ({
  STATEGATE_STORE: `sqlite:${join(folder.path, "stategate.db")}`,
  STATEGATE_MASTER_KEYS: masterKeys.join(","),
  STATEGATE_LOG__LEVEL: "silent",
});

async function withVault<T>(masterKeys: readonly string[], work: (vault: Vault) => Promise<T>): Promise<T> {
  const config = loadConfig({ env: envWith(masterKeys), cwd: folder.path });
  const vault = await openVault(config, { log: createRecordedLog().log, clock: Date.now });
  return work(vault).finally(() => vault.close());
}

const rotate = (...masterKeys: readonly string[]) =>
  runOperatorCommand(["keys", "rotate"], { folder: folder.path, env: envWith(masterKeys) });

const move = async (records: RecordStore, from: string, to: string): Promise<void> => {
  await records.putIfAbsent(to, (await records.read(from)) ?? Buffer.alloc(0));
};

describe("stategate keys rotate", () => {
  it("tells what it did and which keys can go, and leaves a note in the audit log", async () => {
    expect(await rotate(fresh, old)).toEqual({
      code: 0,
      stdout: '2 keys rewrapped, 2 are now under master key "new"\nno longer needed: old\n',
      stderr: expect.stringContaining("2 keys seen, 2 rewrapped"),
    });
    await withVault([fresh], async ({ store, sealer }) => {
      await sealer.forSession(sessionOf("ada"));
      const rows = await store.audit.latest({ limit: 100 });
      expect(rows.map(({ entry }) => entry.toString()).join("\n")).toContain("crypt_keys_rotated");
    });
  });

  it("finds nothing to do the second time, or with one key alone", async () => {
    expect(await rotate(old)).toMatchObject({
      code: 0,
      stdout: '0 keys rewrapped, 2 are now under master key "old"\n',
    });
    await rotate(fresh, old);
    expect(await rotate(fresh, old)).toMatchObject({
      code: 0,
      stdout: '0 keys rewrapped, 2 are now under master key "new"\nno longer needed: old\n',
    });
  });

  it("does not let a key go that something may still need, and ends with 1", async () => {
    await withVault([old], ({ store }) => move(store.records, "data-key:ada", "data-key:eve"));
    const { code, stdout, stderr } = await rotate(fresh, old, lost);
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout: '2 keys rewrapped, 2 are now under master key "new"\nno longer needed: lost\n',
    });
    expect(stderr).toContain('1 keys cannot be opened; they name master key "old"');
  });

  it("changes nothing without the key that the store needs", async () => {
    const { code, stdout, stderr } = await rotate(fresh);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain('"old"');
  });
});
