import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";

import { storeUnavailable } from "../store-unavailable.ts";
import { sqliteSchema } from "./sqlite-schema.ts";

/** Marks the file as ours ("SGAT"), so that a typing mistake never writes into another program's database. */
const APPLICATION_ID = 0x53474154;
const BUSY_TIMEOUT_MS = 5_000;
const OPEN_ATTEMPTS = 100;
const OPEN_PAUSE_MS = 50;

/**
 * Opens the file, creates or migrates its schema, and leaves a connection that cannot write.
 * Rejects with `store_unavailable` when the file is corrupt, foreign or written by a newer release.
 */
export async function openReader(path: string): Promise<DatabaseSync> {
  // Turning a new file into WAL needs it alone, and SQLite does not wait for that with the busy handler.
  for (let attempt = 1; ; attempt++) {
    try {
      return connectReader(path);
    } catch (cause) {
      if (!isBusy(cause) || attempt === OPEN_ATTEMPTS) throw sqliteUnavailable("cannot be opened", cause);
    }
    await pause(OPEN_PAUSE_MS);
  }
}

function connectReader(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    migrate(database);
    database.exec("PRAGMA query_only = ON; PRAGMA busy_timeout = 100; PRAGMA cache_size = -8192");
    return database;
  } catch (cause) {
    database.close();
    throw cause;
  }
}

/** Opens the connection that writes. The schema must be there. */
export function openWriter(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  // FULL syncs the log at every commit: what is acknowledged survives a power cut (sqlite.org/pragma.html#pragma_synchronous).
  database.exec("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864");
  return database;
}

function migrate(database: DatabaseSync): void {
  if (readPragma(database, "user_version") === sqliteSchema.length) return assertOurs(database);
  database.exec("BEGIN IMMEDIATE");
  try {
    const version = readPragma(database, "user_version");
    if (version > 0) assertOurs(database);
    else assertEmpty(database);
    if (version > sqliteSchema.length) throw new Error(`the file has schema ${version}, newer than this release`);
    for (const statements of sqliteSchema.slice(version)) database.exec(statements);
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${sqliteSchema.length}; COMMIT`);
  } catch (cause) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw cause;
  }
}

function assertOurs(database: DatabaseSync): void {
  if (readPragma(database, "application_id") !== APPLICATION_ID) throw new Error("the file belongs to another program");
}

function assertEmpty(database: DatabaseSync): void {
  const row = database.prepare("SELECT count(*) AS tables FROM sqlite_schema").get();
  if (row?.["tables"] !== 0) throw new Error("the file belongs to another program");
}

function readPragma(database: DatabaseSync, name: "user_version" | "application_id"): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}

/** SQLite's primary result code, from the low byte of the extended one; `undefined` for other errors. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return undefined;
  return error.errcode & 0xff;
}

export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === 5 || code === 6;
}

export function sqliteUnavailable(what: string, cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return storeUnavailable(`the SQLite store ${what}: ${reason}`, cause);
}
