import cluster, { type Worker } from "node:cluster";

import type { Log } from "../kit/log.ts";
import { joinMetrics } from "./join-metrics.ts";
import type { SupervisorMessage, WorkerMessage } from "./worker-messages.ts";

export interface SupervisorParts {
  readonly workers: number;
  readonly log: Log;
  /** Called once, when every worker accepts connections. */
  readonly announce: (url: string) => void;
}

export interface Supervisor {
  /** Lets every worker drain; resolves when all have ended. A second call kills what is left. */
  stop(): Promise<void>;
  /** Resolves to the exit code when the first worker could not start: the others would fail alike. */
  readonly failed: Promise<number>;
}

/** A worker that ends by itself is replaced after so long, so that one that cannot start does not spin. */
const REPLACE_AFTER_MS = 1_000;

/**
 * One process per core behind one port, each a replica like any other: what they share lies in the store. The first
 * starts alone, because it may have a key, a database and vocabularies to make.
 */
export function superviseWorkers({ workers, log, announce }: SupervisorParts): Supervisor {
  const running = new Map<number, Worker>();
  const questions = new Map<number, MetricsQuestion>();
  const failed = Promise.withResolvers<number>();
  const ended = Promise.withResolvers<void>();
  /** Those that accept connections: one that is still starting cannot answer. */
  const ready = new Set<number>();
  let started = false;
  let announced = false;
  let calls = 0;
  let stopping = false;

  const hear = (number: number, worker: Worker, message: WorkerMessage): void => {
    if (message.kind === "listening") return began(number, message.url);
    if (message.kind === "metrics-wanted") return ask(worker, message.call);
    questions.get(message.call)?.answer(number, message.text);
  };
  const began = (number: number, url: string): void => {
    ready.add(number);
    if (!started) for (let other = 2; other <= workers; other += 1) fork(other);
    started = true;
    if (!announced && ready.size === workers) announce(url);
    announced ||= ready.size === workers;
  };
  const ask = (asker: Worker, call: number): void => {
    calls += 1;
    const own = calls;
    const answered = (texts: ReadonlyMap<number, string>): void => {
      questions.delete(own);
      say(asker, { kind: "metrics-of-all", call, text: joinMetrics(texts) });
    };
    questions.set(own, createMetricsQuestion(new Set(ready), answered));
    for (const number of ready) say(running.get(number), { kind: "metrics-wanted", call: own });
  };
  const fork = (number: number): void => {
    const worker = cluster.fork();
    running.set(number, worker);
    log.info({ worker: number, workerPid: worker.process.pid }, "worker_started");
    worker.on("message", (message: WorkerMessage) => hear(number, worker, message));
    worker.once("exit", (code, signal) => {
      running.delete(number);
      ready.delete(number);
      for (const question of questions.values()) question.answer(number, undefined);
      if (stopping) return void (running.size === 0 && ended.resolve());
      if (!started) return failed.resolve(code ?? 1);
      log.error({ worker: number, code, signal }, "worker_ended");
      setTimeout(() => void (stopping || fork(number)), REPLACE_AFTER_MS);
    });
  };
  fork(1);
  return {
    failed: failed.promise,
    stop() {
      for (const worker of running.values()) {
        if (stopping) worker.process.kill("SIGKILL");
        else say(worker, { kind: "stop" });
      }
      stopping = true;
      if (running.size === 0) ended.resolve();
      return ended.promise;
    },
  };
}

function say(worker: Worker | undefined, message: SupervisorMessage): void {
  if (worker?.isConnected()) worker.send(message);
}

interface MetricsQuestion {
  /** `undefined`: the worker ended before it could answer. */
  answer(number: number, text: string | undefined): void;
}

function createMetricsQuestion(
  asked: Set<number>,
  answered: (texts: ReadonlyMap<number, string>) => void,
): MetricsQuestion {
  const texts = new Map<number, string>();
  return {
    answer(number, text) {
      if (!asked.delete(number)) return;
      if (text !== undefined) texts.set(number, text);
      if (asked.size === 0) answered(texts);
    },
  };
}
