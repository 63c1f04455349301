import type { DatabaseSync } from "node:sqlite";

import type { JobHandlers } from "./write-job.ts";

export function createAuditJobs(database: DatabaseSync): Pick<JobHandlers, "append-audit"> {
  const findOther = database.prepare("SELECT 1 FROM audit_rows WHERE chain = ? AND sequence = ? AND entry <> ?");
  const add = database.prepare(
    "INSERT INTO audit_rows (chain, sequence, at, entry, details) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
  );
  return {
    "append-audit": ({ rows }) => {
      const taken = rows.find(({ chain, sequence, entry }) => findOther.get(chain, sequence, entry));
      if (taken) return taken.sequence;
      for (const { chain, sequence, at, entry, details } of rows) add.run(chain, sequence, at, entry, details ?? null);
      return undefined;
    },
  };
}
