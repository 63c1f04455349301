/** The worker thread that owns the writing connection: no fsync ever stops the event loop. */
import type { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";

import { type BatchWriter, createBatchWriter, failureOf } from "./batch-writer.ts";
import { BUSY_TIMEOUT_MS, openWriter } from "./sqlite-database.ts";
import { isFailure, type WriteAnswer, type WriteJob, type WriterMessage } from "./write-job.ts";

const port = parentPort;
if (!port) throw new TypeError("sqlite-writer.ts runs as a worker thread");

let open: { database: DatabaseSync; writer: BatchWriter } | undefined;

port.on("message", (message: WriterMessage) => {
  if (message === "close") return close();
  port.postMessage(write(message.jobs));
});

function write(jobs: readonly WriteJob[]): WriteAnswer[] {
  try {
    open ??= connect();
    const answers = open.writer.write(jobs);
    // After a disk error a fresh connection is the safe way back.
    if (answers.some((answer) => isFailure(answer) && answer.failure === "unavailable")) disconnect();
    else if (jobs.some(leavesTraces)) truncateLog();
    return answers;
  } catch (cause) {
    disconnect();
    return jobs.map(() => failureOf(cause));
  }
}

function connect(): { database: DatabaseSync; writer: BatchWriter } {
  const database = openWriter(String(workerData));
  try {
    return { database, writer: createBatchWriter(database) };
  } catch (cause) {
    database.close();
    throw cause;
  }
}

function disconnect(): void {
  const database = open?.database;
  open = undefined;
  try {
    database?.close();
  } catch {
    // The error that led here was answered already.
  }
}

/** The log holds what was overwritten in the file. A sweep erases expired records, and makes up for a log that was in use. */
function leavesTraces({ kind }: WriteJob): boolean {
  return kind === "remove-record" || kind === "sweep";
}

/** Folds the log into the file. When that fails, the next sweep tries again, and the log is replayed at the next start. */
function truncateLog(): void {
  try {
    // Commits wait meanwhile, so a reader that takes its time is not waited for.
    open?.database.exec(
      `PRAGMA busy_timeout = 100; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`,
    );
  } catch {
    // What is acknowledged is on disk all the same.
  }
}

function close(): void {
  truncateLog();
  disconnect();
  port?.close();
}
