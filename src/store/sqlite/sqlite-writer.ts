/** The worker thread that owns the writing connection: no fsync ever stops the event loop. */
import type { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";

import { type BatchWriter, createBatchWriter, failureOf } from "./batch-writer.ts";
import { createLogFile, type LogFile } from "./log-file.ts";
import { openWriter } from "./sqlite-database.ts";
import { isFailure, type WriteAnswer, type WriteJob, type WriterMessage } from "./write-job.ts";

/** `null` where it is loaded only to be compiled (`process/start-over.ts`). */
const port = parentPort;

const path = String(workerData);

interface OpenFile {
  readonly database: DatabaseSync;
  readonly writer: BatchWriter;
  readonly log: LogFile;
}

let open: OpenFile | undefined;

port?.on("message", (message: WriterMessage) => {
  if (message === "close") return close();
  port?.postMessage(write(message.jobs));
  // What was asked is answered: nobody but the next batch waits for it.
  open?.log.foldWhenLong();
});

function write(jobs: readonly WriteJob[]): WriteAnswer[] {
  try {
    open ??= connect();
    const answers = open.writer.write(jobs);
    // After a disk error a fresh connection is the safe way back.
    if (answers.some((answer) => isFailure(answer) && answer.failure === "unavailable")) disconnect();
    else if (jobs.some(leavesTraces)) open.log.fold();
    return answers;
  } catch (cause) {
    disconnect();
    return jobs.map(() => failureOf(cause));
  }
}

function connect(): OpenFile {
  const database = openWriter(path);
  try {
    return { database, writer: createBatchWriter(database), log: createLogFile(database, path) };
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

function close(): void {
  open?.log.fold();
  disconnect();
  port?.close();
}
