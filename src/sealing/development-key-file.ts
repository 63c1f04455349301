import { randomBytes } from "node:crypto";
import { link, mkdir, open, rm } from "node:fs/promises";
import { dirname } from "node:path";

import { GatewayError } from "../errors/gateway-error.ts";
import { readMasterKeyFile } from "./master-key-file.ts";
import { MASTER_KEY_BYTES, type MasterKey } from "./master-keys.ts";

interface DevelopmentKeyFile {
  readonly masterKeys: readonly MasterKey[];
  /** True if this call made the file: the caller warns. */
  readonly created: boolean;
}

const OWNER_ONLY = 0o600;

/**
 * Reads the key file, or makes one with a random key if there is none; of two racing processes both get the same key.
 * A new key has a new id, so that data of a lost file is recognised by the name of its key.
 * @throws GatewayError `record_unreadable` when others than the owner may read the file, or when it holds no keys
 */
export async function openDevelopmentKeyFile(path: string): Promise<DevelopmentKeyFile> {
  const held = await readMasterKeyFile(path);
  if (held) return { masterKeys: held, created: false };
  const created = await createFile(path);
  const masterKeys = await readMasterKeyFile(path);
  if (!masterKeys) throw new GatewayError("record_unreadable", `the key file ${path} vanished while it was opened`);
  return { masterKeys, created };
}

/** The file appears whole or not at all: written aside, then linked, which fails where a name is taken. */
async function createFile(path: string): Promise<boolean> {
  const suffix = randomBytes(8).toString("hex");
  const draft = `${path}.${suffix}`;
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeDurably(draft, `development-${suffix}:${randomBytes(MASTER_KEY_BYTES).toString("base64")}\n`);
    const linked = await link(draft, path).then(() => true, ignore("EEXIST"));
    if (linked) await syncFolder(dirname(path));
    return linked ?? false;
  } finally {
    await rm(draft, { force: true });
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", OWNER_ONLY);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A name survives a power cut only when its folder was synced too (fsync(2)); Windows opens no folders. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

const ignore =
  (code: string) =>
  (error: unknown): undefined => {
    if (!(error instanceof Error && "code" in error && error.code === code)) throw error;
  };
