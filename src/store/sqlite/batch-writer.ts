import type { DatabaseSync } from "node:sqlite";

import { createJobRunner } from "./job-runner.ts";
import { sqliteCode } from "./sqlite-database.ts";
import type { WriteAnswer, WriteFailure, WriteJob } from "./write-job.ts";

const SQLITE_CONSTRAINT_UNIQUE = 2067;
/** Primary codes that blame one statement: too big, constraint, mismatch, range. Anything else blames file or disk. */
const BLAMES_ONE_JOB = new Set<number | undefined>([18, 19, 20, 25, undefined]);

export interface BatchWriter {
  /** One answer per job, in order. Every `true` is on disk. Never throws. */
  write(jobs: readonly WriteJob[]): WriteAnswer[];
}

/** Runs many jobs in one transaction. A job that fails never takes another with it: the rest is run again without it. */
export function createBatchWriter(database: DatabaseSync): BatchWriter {
  const run = createJobRunner(database);
  const begin = database.prepare("BEGIN IMMEDIATE");
  const commit = database.prepare("COMMIT");

  const write = (jobs: readonly WriteJob[]): WriteAnswer[] => {
    try {
      begin.run();
      const answers = jobs.map(run);
      commit.run();
      return answers;
    } catch (cause) {
      if (database.isTransaction) database.exec("ROLLBACK");
      if (jobs.length > 1 && BLAMES_ONE_JOB.has(sqliteCode(cause))) return jobs.flatMap((job) => write([job]));
      return jobs.map(() => failureOf(cause));
    }
  };
  return { write };
}

export function failureOf(cause: unknown): WriteFailure {
  const reason = cause instanceof Error ? cause.message : String(cause);
  // The only unique rule that a job can break: every other one is upserted or checked before.
  const taken = cause instanceof Error && "errcode" in cause && cause.errcode === SQLITE_CONSTRAINT_UNIQUE;
  return { failure: taken ? "sequence-taken" : "unavailable", reason };
}
