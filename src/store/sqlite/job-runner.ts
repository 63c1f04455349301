import type { DatabaseSync } from "node:sqlite";

import { createAuditJobs } from "./audit-jobs.ts";
import { createLeaseJobs } from "./lease-jobs.ts";
import { createQuotaJobs } from "./quota-jobs.ts";
import { createRecordJobs } from "./record-jobs.ts";
import { createSessionJobs } from "./session-jobs.ts";
import { createSweeper } from "./sweeper.ts";
import type { JobAnswer, JobHandlers, WriteJob } from "./write-job.ts";

/** Runs one job inside the transaction that the caller has open. */
export function createJobRunner(database: DatabaseSync): (job: WriteJob) => JobAnswer {
  const postNotice = database.prepare("INSERT INTO notices (notice, until) VALUES (?, ?)");
  const sweep = createSweeper(database);
  const handlers: JobHandlers = {
    ...createSessionJobs(database),
    ...createRecordJobs(database),
    ...createQuotaJobs(database),
    ...createAuditJobs(database),
    ...createLeaseJobs(database),
    "post-notice": ({ notice, until }) => postNotice.run(notice, until).changes === 1,
    sweep: ({ now }) => sweep(now),
  };
  return (job) => {
    // The table pairs every kind with the handler of its jobs.
    const handle = handlers[job.kind] as (job: WriteJob) => JobAnswer;
    return handle(job);
  };
}
