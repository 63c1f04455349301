import type { SQLOutputValue } from "node:sqlite";

import { assertPlacesDiffer, auditPlaceTaken } from "../audit-place-taken.ts";
import type { AuditRow, AuditStore } from "../audit-store.ts";
import { bufferOf, type SqliteRead } from "./sqlite-read.ts";
import type { WriteQueue } from "./write-queue.ts";

export function createSqliteAuditStore(read: SqliteRead, queue: WriteQueue): AuditStore {
  const rows = "SELECT chain, sequence, at, entry, details FROM audit_rows";
  // With min() alone, SQLite takes the other columns from the row that has the minimum (sqlite.org/lang_select.html#bareagg).
  const selectChains = read.database.prepare(
    "SELECT chain, count(*) AS rows, min(sequence), at FROM audit_rows GROUP BY chain ORDER BY at, chain",
  );
  const selectChain = read.database.prepare(`${rows} WHERE chain = ? AND sequence >= ? ORDER BY sequence LIMIT ?`);
  const selectLatest = read.database.prepare(
    `${rows} WHERE (at, chain, sequence) < (?, ?, ?) ORDER BY at DESC, chain DESC, sequence DESC LIMIT ?`,
  );
  const afterAll = { at: Number.MAX_SAFE_INTEGER, chain: "", sequence: 0 };
  return {
    async append(added) {
      assertPlacesDiffer(added);
      const taken = await queue.run({ kind: "append-audit", rows: added });
      if (taken !== undefined) throw auditPlaceTaken(taken);
    },
    async chains() {
      const chains = read(() => selectChains.all());
      return chains.map((row) => ({ chain: String(row["chain"]), rows: Number(row["rows"]) }));
    },
    async read(chain, { from, limit }) {
      return read(() => selectChain.all(chain, from, limit)).map(rowOf);
    },
    async latest({ limit, before = afterAll }) {
      return read(() => selectLatest.all(before.at, before.chain, before.sequence, limit)).map(rowOf);
    },
  };
}

function rowOf(row: Record<string, SQLOutputValue>): AuditRow {
  return {
    chain: String(row["chain"]),
    sequence: Number(row["sequence"]),
    at: Number(row["at"]),
    entry: bufferOf(row["entry"]),
    details: row["details"] === null ? undefined : bufferOf(row["details"]),
  };
}
