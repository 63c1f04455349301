import { DatabaseSync } from "node:sqlite";

import { storeUnavailable } from "../store-unavailable.ts";
import { sqliteSchema } from "./sqlite-schema.ts";

/** Marks the file as ours ("SGAT"), so that a typing mistake never writes into another program's database. */
const APPLICATION_ID = 0x53474154;
export const BUSY_TIMEOUT_MS = 5_000;
export const LONG_LOG_BYTES = 64 * 1024 * 1024;

/**
 * Opens the file, creates or migrates its schema, and leaves a connection that cannot write.
 * @throws GatewayError `store_unavailable` when the file is corrupt, foreign or written by a newer release
 */
export function openReader(path: string): DatabaseSync {
  try {
    return connectReader(path);
  } catch (cause) {
    throw sqliteUnavailable("cannot be opened", cause);
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
  database.exec(`PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${LONG_LOG_BYTES}`);
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

export function assertOurs(database: DatabaseSync): void {
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

const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** Whether the file's bytes are not what SQLite wrote: waiting mends nothing, only a backup does. */
export function isDamage(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE_CORRUPT || code === SQLITE_NOTADB;
}

export function sqliteUnavailable(what: string, cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return storeUnavailable(`the SQLite store ${what}: ${reason}`, cause);
}
