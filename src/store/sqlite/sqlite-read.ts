import type { DatabaseSync, SQLOutputValue } from "node:sqlite";

import type { Log } from "../../kit/log.ts";
import { isDamage, sqliteUnavailable } from "./sqlite-database.ts";

/**
 * Does the work on the connection that cannot write, and turns its errors into `store_unavailable`. Says once that the
 * file is damaged: of its other sessions the next read may succeed.
 */
export interface SqliteRead {
  <T>(work: () => T): T;
  readonly database: DatabaseSync;
}

export function createSqliteRead(database: DatabaseSync, log: Log): SqliteRead {
  let isDamageKnown = false;
  const read = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      if (isDamage(cause) && !isDamageKnown) log.error({ error: String(cause) }, "sqlite_file_damaged");
      isDamageKnown ||= isDamage(cause);
      throw sqliteUnavailable(database.isOpen ? "cannot read" : "is closed", cause);
    }
  };
  return Object.assign(read, { database });
}

export function bufferOf(value: SQLOutputValue | Uint8Array | undefined): Buffer {
  if (!(value instanceof Uint8Array)) throw new TypeError("expected a blob");
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
