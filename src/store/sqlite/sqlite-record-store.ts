import type { SQLOutputValue } from "node:sqlite";

import type { Clock } from "../../kit/clock.ts";
import { rangeOfNames } from "../name-range.ts";
import type { NamedRecord, RecordStore } from "../record-store.ts";
import { bufferOf, type SqliteRead } from "./sqlite-read.ts";
import type { WriteQueue } from "./write-queue.ts";

type Row = Record<string, SQLOutputValue>;

export function createSqliteRecordStore(read: SqliteRead, queue: WriteQueue, clock: Clock): RecordStore {
  const records = "SELECT name, length, bytes, expires_at FROM records JOIN record_slots ON id = slot";
  const live = "(expires_at IS NULL OR expires_at > ?)";
  const select = read.database.prepare(`${records} WHERE name = ? AND ${live}`);
  const selectRange = read.database.prepare(
    `${records} WHERE name >= CAST(? AS TEXT) AND name < CAST(? AS TEXT) AND ${live} ORDER BY name LIMIT ?`,
  );
  return {
    async read(name) {
      const row = read(() => select.get(name, clock()));
      return row && bytesOf(row);
    },
    async putIfAbsent(name, bytes, expiresAt) {
      return bufferOf(await queue.run({ kind: "put-record", now: clock(), name, bytes, expiresAt }));
    },
    replace: (name, { expected, bytes, expiresAt }) =>
      queue.run({ kind: "replace-record", now: clock(), name, expected, bytes, expiresAt }),
    remove: (name) => queue.run({ kind: "remove-record", now: clock(), name }),
    async list(prefix, { limit, after }) {
      const { from, to } = rangeOfNames(prefix, after);
      const rows = read(() => selectRange.all(from, to, clock(), limit));
      return rows.map(recordOf);
    },
  };
}

function recordOf(row: Row): NamedRecord {
  const expiresAt = row["expires_at"];
  return {
    name: String(row["name"]),
    bytes: bytesOf(row),
    ...(expiresAt !== null && { expiresAt: Number(expiresAt) }),
  };
}

/** The slot is padded. */
function bytesOf(row: Row): Buffer {
  return bufferOf(row["bytes"]).subarray(0, Number(row["length"]));
}
