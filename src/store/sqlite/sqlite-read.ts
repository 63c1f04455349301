import type { DatabaseSync, SQLOutputValue } from "node:sqlite";

import { sqliteUnavailable } from "./sqlite-database.ts";

/** Does the work on the connection that cannot write, and turns its errors into `store_unavailable`. */
export interface SqliteRead {
  <T>(work: () => T): T;
  readonly database: DatabaseSync;
}

export function createSqliteRead(database: DatabaseSync): SqliteRead {
  const read = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw sqliteUnavailable(database.isOpen ? "cannot read" : "is closed", cause);
    }
  };
  return Object.assign(read, { database });
}

export function bufferOf(value: SQLOutputValue | Uint8Array | undefined): Buffer {
  if (!(value instanceof Uint8Array)) throw new TypeError("expected a blob");
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
