import type { DatabaseSync } from "node:sqlite";

import { createRecordSlots } from "./record-slots.ts";
import type { JobHandlers } from "./write-job.ts";

type RecordJobHandlers = Pick<JobHandlers, "put-record" | "replace-record" | "remove-record">;

interface StoredRecord {
  readonly slot: number;
  readonly bytes: Uint8Array;
  readonly expiresAt: number;
}

export function createRecordJobs(database: DatabaseSync): RecordJobHandlers {
  const slots = createRecordSlots(database);
  const find = createFind(database);
  const enter = database.prepare(
    `INSERT INTO records (name, slot, length, expires_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET slot = excluded.slot, length = excluded.length, expires_at = excluded.expires_at`,
  );
  const leave = database.prepare("DELETE FROM records WHERE name = ?");
  const write = (name: string, bytes: Uint8Array, expiresAt: number | undefined): void => {
    enter.run(name, slots.fill(bytes), bytes.byteLength, expiresAt ?? null);
  };

  return {
    "put-record": ({ now, name, bytes, expiresAt }) => {
      const record = find(name);
      if (record && record.expiresAt > now) return record.bytes;
      if (record) slots.erase(record.slot);
      write(name, bytes, expiresAt);
      // A view would take the buffer of the whole batch along.
      return bytes.slice();
    },
    "replace-record": ({ now, name, expected, bytes, expiresAt }) => {
      const record = find(name);
      if (!record || record.expiresAt <= now || Buffer.compare(record.bytes, expected) !== 0) return false;
      slots.erase(record.slot);
      write(name, bytes, expiresAt);
      return true;
    },
    "remove-record": ({ now, name }) => {
      const record = find(name);
      if (!record) return false;
      slots.erase(record.slot);
      leave.run(name);
      return record.expiresAt > now;
    },
  };
}

function createFind(database: DatabaseSync): (name: string) => StoredRecord | undefined {
  const select = database.prepare(
    "SELECT slot, length, expires_at, bytes FROM records JOIN record_slots ON id = slot WHERE name = ?",
  );
  return (name) => {
    const row = select.get(name);
    if (!(row?.["bytes"] instanceof Uint8Array)) return undefined;
    const expiresAt = row["expires_at"] === null ? Infinity : Number(row["expires_at"]);
    return { slot: Number(row["slot"]), bytes: row["bytes"].subarray(0, Number(row["length"])), expiresAt };
  };
}
