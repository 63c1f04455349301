import type { Clock } from "../../kit/clock.ts";
import { rangeOfNames } from "../name-range.ts";
import type { NamedRecord, RecordStore } from "../record-store.ts";
import type { PostgresClient, Row } from "./postgres-client.ts";
import { bufferAt, nameAt, numberAt } from "./row-values.ts";

export function createPostgresRecordStore({ run }: PostgresClient, clock: Clock): RecordStore {
  return {
    async read(name) {
      const [row] = await run(statements.read, [Buffer.from(name), clock()]);
      return row && bufferAt(row, "bytes");
    },
    async putIfAbsent(name, bytes, expiresAt) {
      const [row = {}] = await run(statements.put, [clock(), Buffer.from(name), bytes, expiresAt ?? null]);
      return bufferAt(row, "bytes");
    },
    async replace(name, { expected, bytes, expiresAt }) {
      const values = [clock(), Buffer.from(name), expected, bytes, expiresAt ?? null];
      return (await run(statements.replace, values)).length === 1;
    },
    async remove(name) {
      const [removed] = await run(statements.remove, [Buffer.from(name), clock()]);
      return removed?.["was_live"] === true;
    },
    async list(prefix, { limit, after }) {
      const { from, to } = rangeOfNames(prefix, after);
      return (await run(statements.list, [clock(), from, to, limit])).map(recordOf);
    },
  };
}

function recordOf(row: Row): NamedRecord {
  return {
    name: nameAt(row, "name"),
    bytes: bufferAt(row, "bytes"),
    ...(row["expires_at"] !== null && { expiresAt: numberAt(row, "expires_at") }),
  };
}

const statements = {
  read: {
    name: "record-read",
    text: "SELECT bytes FROM stategate.records WHERE name = $1 AND (expires_at IS NULL OR expires_at > $2)",
  },
  put: { name: "record-put", text: "SELECT stategate.put_record($1, $2, $3, $4) AS bytes" },
  replace: {
    name: "record-replace",
    text: `
      UPDATE stategate.records SET bytes = $4, expires_at = $5
      WHERE name = $2 AND bytes = $3 AND (expires_at IS NULL OR expires_at > $1) RETURNING 1`,
  },
  remove: {
    name: "record-remove",
    text: `
      DELETE FROM stategate.records WHERE name = $1 RETURNING (expires_at IS NULL OR expires_at > $2) AS was_live`,
  },
  list: {
    name: "record-list",
    text: `
      SELECT name, bytes, expires_at FROM stategate.records
      WHERE name >= $2 AND name < $3 AND (expires_at IS NULL OR expires_at > $1) ORDER BY name LIMIT $4`,
  },
};
