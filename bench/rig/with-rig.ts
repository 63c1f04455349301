import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { createProcessGroup, type ProcessGroup } from "./process-group.ts";

/** Where benches leave what they measured. */
export const RESULTS = fileURLToPath(new URL("../results", import.meta.url));

export interface BenchRun {
  readonly startedAt: Date;
  /** Of this run, on a real disk. */
  readonly folder: string;
  readonly processes: ProcessGroup;
}

/** Runs a bench. Its folder and the processes that it started end with it, interrupted or not. */
export async function withRig(name: string, work: (run: BenchRun) => Promise<void>): Promise<void> {
  const startedAt = new Date();
  mkdirSync(RESULTS, { recursive: true });
  const folder = mkdtempSync(join(RESULTS, `${name}-`));
  const processes = createProcessGroup(folder);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  try {
    await work({ startedAt, folder, processes });
  } finally {
    await processes.stopAll();
    rmSync(folder, { recursive: true, force: true });
  }
}
