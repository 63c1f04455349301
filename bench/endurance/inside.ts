import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import type { ProcessGroup } from "../rig/process-group.ts";

/** What is alive in a process after its garbage was collected. */
export interface InsideFigures {
  /** Of its main thread, kept-alive ones to the upstream included. */
  readonly sockets: number;
  /** Whoever listens, waits or is called back is one. */
  readonly functions: number;
  /** Those that keep no process alive, too. */
  readonly timers: number;
  /** How often Node warned that an emitter has more listeners than it should. */
  readonly listenerWarnings: number;
  /** In and outside of the engine's heap. */
  readonly heldBytes: number;
}

export interface Inside {
  /** Starts processes that can be looked into. */
  readonly processes: ProcessGroup;
  look(pid: number): Promise<InsideFigures>;
}

const REPORTER = new URL("./report-inside-process.ts", import.meta.url).href;
const STEP_MS = 20;
const LIMIT_MS = 30_000;

export function openInside(processes: ProcessGroup, folder: string): Inside {
  const file = join(folder, "inside.json");
  const env = { NODE_OPTIONS: `--import ${REPORTER}`, BENCH_INSIDE: file };
  return {
    processes: { ...processes, start: (options) => processes.start({ ...options, env: { ...options.env, ...env } }) },
    async look(pid) {
      rmSync(file, { force: true });
      process.kill(pid, "SIGUSR2");
      for (let waitedMs = 0; !existsSync(file) && waitedMs < LIMIT_MS; waitedMs += STEP_MS) await pause(STEP_MS);
      return JSON.parse(readFileSync(file, "utf8")) as InsideFigures;
    },
  };
}
