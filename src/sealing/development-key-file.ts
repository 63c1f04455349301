import { randomBytes } from "node:crypto";
import { link, mkdir, open, rm } from "node:fs/promises";
import { dirname } from "node:path";

import { GatewayError } from "../errors/gateway-error.ts";
import { MASTER_KEY_BYTES, type MasterKey, parseMasterKeys } from "./keyring.ts";

interface DevelopmentKeyFile {
  readonly masterKeys: readonly MasterKey[];
  /** True if this call made the file: the caller warns. */
  readonly created: boolean;
}

const OWNER_ONLY = 0o600;
const GROUP_AND_OTHERS = 0o077;

/**
 * Reads the key file, or makes one with a random key if there is none; of two racing processes both get the same key.
 * A new key has a new id, so that data of a lost file is recognised by the name of its key.
 * @throws GatewayError `record_unreadable` when others than the owner may read the file, or when it holds no keys
 */
export async function openDevelopmentKeyFile(path: string): Promise<DevelopmentKeyFile> {
  const held = await readKeys(path);
  if (held) return { masterKeys: held, created: false };
  const created = await createFile(path);
  const masterKeys = await readKeys(path);
  if (!masterKeys) throw new GatewayError("record_unreadable", `the key file ${path} vanished while it was opened`);
  return { masterKeys, created };
}

async function readKeys(path: string): Promise<MasterKey[] | undefined> {
  const file = await open(path, "r").catch(ignore("ENOENT"));
  if (!file) return undefined;
  try {
    const { mode } = await file.stat();
    // Windows has no such bits and reports 0666.
    if (process.platform !== "win32" && (mode & GROUP_AND_OTHERS) !== 0) {
      throw new GatewayError("record_unreadable", `others may read the key file ${path}: run chmod 600 on it`);
    }
    return parseMasterKeys((await file.readFile("utf8")).trim());
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new GatewayError("record_unreadable", `the key file ${path} is damaged: ${error.message}`, { cause: error });
  } finally {
    await file.close();
  }
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
