import type { DatabaseSync } from "node:sqlite";

import type { JobHandlers } from "./write-job.ts";

export function createLeaseJobs(database: DatabaseSync): Pick<JobHandlers, "acquire-lease" | "release-lease"> {
  const acquire = database.prepare(
    `INSERT INTO leases (name, holder, until) VALUES (?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE until <= ?`,
  );
  const release = database.prepare("DELETE FROM leases WHERE name = ? AND holder = ?");
  return {
    "acquire-lease": ({ name, holder, until, now }) => acquire.run(name, holder, until, now).changes === 1,
    "release-lease": ({ name, holder }) => release.run(name, holder).changes === 1,
  };
}
