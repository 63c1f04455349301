import { assertPlacesDiffer, auditPlaceTaken } from "../audit-place-taken.ts";
import type { AuditRow, AuditStore } from "../audit-store.ts";
import type { PostgresClient, Row } from "./postgres-client.ts";
import { bufferAt, numberAt } from "./row-values.ts";

export function createPostgresAuditStore({ run }: PostgresClient): AuditStore {
  const afterAll = { at: Number.MAX_SAFE_INTEGER, chain: "", sequence: 0 };
  return {
    async append(rows) {
      assertPlacesDiffer(rows);
      const [answer = {}] = await run(statements.append, [
        rows.map(({ chain }) => chain),
        rows.map(({ sequence }) => sequence),
        rows.map(({ at }) => at),
        rows.map(({ entry }) => entry),
        rows.map(({ details }) => details ?? null),
      ]);
      if (answer["taken"] !== null) throw auditPlaceTaken(numberAt(answer, "taken"));
    },
    async chains() {
      const chains = await run(statements.chains);
      return chains.map((row) => ({ chain: String(row["chain"]), length: numberAt(row, "length") }));
    },
    async read(chain, { from, limit }) {
      return (await run(statements.read, [chain, from, limit])).map(rowOf);
    },
    async latest({ limit, before = afterAll }) {
      return (await run(statements.latest, [before.at, before.chain, before.sequence, limit])).map(rowOf);
    },
  };
}

function rowOf(row: Row): AuditRow {
  return {
    chain: String(row["chain"]),
    sequence: numberAt(row, "sequence"),
    at: numberAt(row, "at"),
    entry: bufferAt(row, "entry"),
    details: row["details"] === null ? undefined : bufferAt(row, "details"),
  };
}

const rows = "SELECT chain, sequence, at, entry, details FROM stategate.audit_rows";

const statements = {
  append: { name: "audit-append", text: "SELECT stategate.append_audit($1, $2, $3, $4, $5) AS taken" },
  chains: {
    name: "audit-chains",
    // From one chain to the next by index: grouping would read every entry there is.
    text: `
      WITH RECURSIVE known (chain) AS (
        (SELECT chain FROM stategate.audit_rows ORDER BY chain LIMIT 1)
        UNION ALL
        SELECT (SELECT a.chain FROM stategate.audit_rows a WHERE a.chain > known.chain ORDER BY a.chain LIMIT 1)
        FROM known WHERE known.chain IS NOT NULL
      )
      SELECT known.chain, last.length FROM known,
        LATERAL (SELECT at FROM stategate.audit_rows a WHERE a.chain = known.chain ORDER BY sequence LIMIT 1) AS first,
        LATERAL (SELECT sequence + 1 AS length FROM stategate.audit_rows a
          WHERE a.chain = known.chain ORDER BY sequence DESC LIMIT 1) AS last
      ORDER BY first.at, known.chain`,
  },
  read: { name: "audit-read", text: `${rows} WHERE chain = $1 AND sequence >= $2 ORDER BY sequence LIMIT $3` },
  latest: {
    name: "audit-latest",
    text: `${rows} WHERE (at, chain, sequence) < ($1, $2, $3) ORDER BY at DESC, chain DESC, sequence DESC LIMIT $4`,
  },
};
