import { open, rename, rm, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";

import { assertOurs, BUSY_TIMEOUT_MS, sqliteUnavailable } from "./sqlite-database.ts";

const PAGES_AT_ONCE = 250;

export interface SqliteBackup {
  readonly path: string;
  /** Must not exist yet. It appears under this name only when it is whole, checked and on disk. */
  readonly file: string;
  /** Told of the part that is copied, from 0 to 1. */
  readonly onProgress: (done: number) => void;
}

/**
 * Copies a store as it is at one moment, while gateways read and write it. Resolves to the size of the copy in bytes.
 * Rejects with `store_unavailable` when the store cannot be read or is damaged, or the copy cannot be written.
 */
export async function backUpSqlite({ path, file, onProgress }: SqliteBackup): Promise<number> {
  const partial = `${resolve(file)}.partial`;
  try {
    await assertAbsent(file);
    // SQLite would make an empty database of a path that does not exist.
    await stat(path);
    await createEmpty(partial);
    await copySnapshot(path, partial, onProgress);
    assertWhole(partial);
    await sync(partial);
    await rename(partial, resolve(file));
    await sync(dirname(resolve(file)));
    return (await stat(file)).size;
  } catch (cause) {
    await rm(partial, { force: true });
    throw sqliteUnavailable("cannot be backed up", cause);
  }
}

async function assertAbsent(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found) throw new Error(`${file} exists already`);
}

async function createEmpty(file: string): Promise<void> {
  await rm(file, { force: true });
  const handle = await open(file, "wx", 0o600);
  await handle.close();
}

async function copySnapshot(path: string, file: string, onProgress: SqliteBackup["onProgress"]): Promise<void> {
  const source = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    assertOurs(source);
    // An open snapshot: without it SQLite starts the copy anew whenever a gateway writes, for ever on a busy one.
    source.exec("PRAGMA query_only = ON; BEGIN");
    source.prepare("SELECT count(*) FROM sqlite_schema").get();
    const progress: Parameters<typeof backup>[2] = {
      rate: PAGES_AT_ONCE,
      progress: ({ totalPages, remainingPages }) => onProgress(1 - remainingPages / totalPages),
    };
    await backup(source, file, progress);
  } finally {
    source.close();
  }
}

function assertWhole(file: string): void {
  const copy = new DatabaseSync(file);
  try {
    const found = String(copy.prepare("PRAGMA integrity_check(1)").get()?.["integrity_check"]);
    if (found !== "ok") throw new Error(`the file is damaged: ${found}`);
  } finally {
    copy.close();
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
