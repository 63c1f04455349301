import type { SQLOutputValue } from "node:sqlite";

import { assertPlacesDiffer, auditPlaceTaken } from "../audit-place-taken.ts";
import type { AuditRow, AuditStore } from "../audit-store.ts";
import { bufferOf, type SqliteRead } from "./sqlite-read.ts";
import type { WriteQueue } from "./write-queue.ts";

export function createSqliteAuditStore(read: SqliteRead, queue: WriteQueue): AuditStore {
  const rows = "SELECT chain, sequence, at, entry, details FROM audit_rows";
  // From one chain to the next by index: grouping would read every entry there is.
  const selectChains = read.database.prepare(`
    WITH RECURSIVE known (chain) AS (
      SELECT min(chain) FROM audit_rows
      UNION ALL
      SELECT (SELECT min(chain) FROM audit_rows WHERE chain > known.chain) FROM known WHERE known.chain IS NOT NULL
    )
    SELECT chain,
      (SELECT max(sequence) + 1 FROM audit_rows AS own WHERE own.chain = known.chain) AS length,
      (SELECT at FROM audit_rows AS own WHERE own.chain = known.chain ORDER BY sequence LIMIT 1) AS at
    FROM known WHERE chain IS NOT NULL ORDER BY at, chain`);
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
      return chains.map((row) => ({ chain: String(row["chain"]), length: Number(row["length"]) }));
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
