import type { Worker } from "node:worker_threads";

import type { Log } from "../../kit/log.ts";
import { storeUnavailable } from "../store-unavailable.ts";
import { turnSequenceTaken } from "../turn-sequence-taken.ts";
import { bytesOf, packJobs, type WriterMessage } from "./pack-jobs.ts";
import {
  isFailure,
  type JobAnswer,
  type JobAnswers,
  type WriteAnswer,
  type WriteFailure,
  type WriteJob,
} from "./write-job.ts";

const MAX_BATCH_JOBS = 512;
const MAX_BATCH_BYTES = 16 * 1024 * 1024;

export interface WriteQueue {
  /**
   * The writer's answer, or what `read` makes of it, once the batch with the job is on disk. Rejects with
   * `store_unavailable` or TypeError, or with what `read` throws.
   */
  run<Job extends WriteJob, Answer = JobAnswers[Job["kind"]]>(
    job: Job,
    read?: (answer: JobAnswers[Job["kind"]]) => Answer,
  ): Promise<Answer>;
  /** Waits for every accepted job, then ends the writer. */
  close(): Promise<void>;
}

export interface WriteQueueOptions {
  /** Called again when the last writer died. */
  readonly startWorker: () => Worker;
  readonly log: Log;
}

type ReadAnswer = (answer: JobAnswer) => unknown;

interface Waiting {
  readonly job: WriteJob;
  readonly read: ReadAnswer;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Group commit: jobs of one turn of the event loop leave as one batch, and while that batch is being written the next
 * one collects. One batch is under way at a time, so jobs are written in the order in which they were asked for.
 */
export function createWriteQueue({ startWorker, log }: WriteQueueOptions): WriteQueue {
  const waiting: Waiting[] = [];
  let underWay: Waiting[] = [];
  let worker: Worker | undefined;
  let flushIsDue = false;
  let whenDrained: (() => void) | undefined;
  let closing: Promise<void> | undefined;
  const noteHealth = createHealthNotes(log);

  const flush = (): void => {
    flushIsDue = false;
    if (underWay.length > 0) return;
    if (waiting.length === 0) return whenDrained?.();
    underWay = waiting.splice(0, batchLength(waiting));
    try {
      worker ??= start();
      // A writer with work keeps the process alive, an idle one does not.
      worker.ref();
      send(worker, underWay);
    } catch (cause) {
      failUnderWay(cause);
    }
  };
  const start = (): Worker => {
    const started = startWorker();
    let lastError: unknown;
    started.unref();
    started.on("message", (answers: WriteAnswer[]) => {
      const answered = underWay;
      underWay = [];
      started.unref();
      noteHealth(answers);
      for (const [index, item] of answered.entries()) settle(item, answers[index]);
      flush();
    });
    started.on("error", (error: unknown) => (lastError = error));
    started.on("exit", () => {
      if (worker === started) worker = undefined;
      if (closing && underWay.length === 0) return;
      log.error({ error: String(lastError) }, "sqlite_writer_died");
      failUnderWay(lastError);
    });
    return started;
  };
  const failUnderWay = (cause: unknown): void => {
    const failed = underWay;
    underWay = [];
    for (const { reject } of failed) reject(storeUnavailable("the SQLite writer died", cause));
    flush();
  };
  const drainAndEnd = async (): Promise<void> => {
    await new Promise<void>((resolve) => {
      whenDrained = resolve;
      flush();
    });
    const last = worker;
    if (!last) return;
    last.ref();
    const ended = new Promise((resolve) => last.once("exit", resolve));
    last.postMessage("close" satisfies WriterMessage);
    await ended;
  };

  const enqueue = (job: WriteJob, read: ReadAnswer): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (closing) return reject(storeUnavailable("the SQLite store is closed"));
      waiting.push({ job, read, resolve, reject });
      if (flushIsDue || underWay.length > 0) return;
      flushIsDue = true;
      setImmediate(flush);
    });

  worker = start();
  return {
    // The writer answers each kind of job in its own way.
    run: ((job: WriteJob, read: ReadAnswer = asItIs) => enqueue(job, read)) as WriteQueue["run"],
    close: () => (closing ??= drainAndEnd()),
  };
}

/** One line when nothing can be written any more, and one when something can. */
function createHealthNotes(log: Log): (answers: readonly WriteAnswer[]) => void {
  let isFailing = false;
  return (answers) => {
    const [failure] = answers.filter(isFailure).filter((answer) => answer.failure === "unavailable");
    const fails = failure !== undefined && answers.every(isFailure);
    if (fails === isFailing) return;
    isFailing = fails;
    if (fails) log.error({ reason: failure.reason }, "sqlite_writes_failing");
    else log.info({}, "sqlite_writes_again");
  };
}

function batchLength(waiting: readonly Waiting[]): number {
  let bytes = 0;
  const end = waiting.findIndex(({ job }, index) => {
    bytes += bytesOf(job);
    return index > 0 && (index >= MAX_BATCH_JOBS || bytes > MAX_BATCH_BYTES);
  });
  return end === -1 ? waiting.length : end;
}

function send(worker: Worker, items: readonly Waiting[]): void {
  const packed = packJobs(items.map(({ job }) => job));
  worker.postMessage(packed satisfies WriterMessage, [packed.buffer]);
}

const asItIs: ReadAnswer = (answer) => answer;

function settle({ job, read, resolve, reject }: Waiting, answer: WriteAnswer): void {
  if (isFailure(answer)) return reject(errorOf(job, answer));
  try {
    resolve(read(answer));
  } catch (error) {
    reject(error as Error);
  }
}

function errorOf(job: WriteJob, { failure, reason }: WriteFailure): Error {
  if (failure === "sequence-taken" && job.kind === "commit") return turnSequenceTaken(job.turn?.sequence);
  return storeUnavailable(`the SQLite store cannot write: ${reason}`);
}
