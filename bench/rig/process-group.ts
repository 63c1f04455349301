import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface StartOptions {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface BenchProcess {
  readonly pid: number;
  readonly hasEnded: () => boolean;
  /** What it printed last, to say why it failed. */
  lastWords(): string;
  /** SIGTERM, then SIGKILL. Idempotent. */
  stop(): Promise<void>;
}

/** Every process the bench started; it ends these, by their ids, and no others. */
export interface ProcessGroup {
  start(options: StartOptions): BenchProcess;
  stopAll(): Promise<void>;
}

const STOP_TIMEOUT_MS = 3_000;
const LAST_WORDS = 1_500;

/** @param logFolder gets a file per process with its output */
export function createProcessGroup(logFolder: string): ProcessGroup {
  const running = new Set<ChildProcess>();
  // A thrown error or Ctrl-C must leave nothing behind either.
  process.once("exit", () => running.forEach((child) => child.kill("SIGKILL")));
  let serial = 0;
  return {
    start({ name, command: [file, ...args], env = {}, cwd = logFolder }) {
      const logFile = join(logFolder, `${serial++}-${name.replaceAll(/\W+/g, "-")}.log`);
      const log = openSync(logFile, "a");
      const { PATH = "", HOME = "" } = process.env;
      const child = spawn(file, args, { cwd, env: { PATH, HOME, ...env }, stdio: ["ignore", log, log] });
      closeSync(log);
      if (child.pid === undefined) throw new Error(`cannot start ${name}: ${file}`);
      running.add(child);
      child.once("exit", () => running.delete(child));
      return {
        pid: child.pid,
        hasEnded: () => hasEnded(child),
        lastWords: () => readFileSync(logFile, "utf8").slice(-LAST_WORDS),
        stop: () => stop(child),
      };
    },
    async stopAll() {
      await Promise.all([...running].map(stop));
    },
  };
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(force);
}
