import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

const ticksPerSecond = Number(spawnSync("getconf", ["CLK_TCK"]).stdout?.toString()) || 100;

/** CPU time of a process with all its threads, kernel time included; in steps of 10 ms. NaN where there is no /proc. */
export function cpuMs(pid: number): number {
  // The name in parentheses may hold spaces; utime and stime are fields 14 and 15, the state behind the name is field 3.
  const fields = read(`/proc/${pid}/stat`)
    .replace(/^.*\)\s/s, "")
    .split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}

/** The same of a process and those that it started. */
export function cpuMsOfAll(pid: number): number {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean);
  return children.reduce((sum, child) => sum + cpuMs(Number(child)), cpuMs(pid));
}

export function residentMegabytes(pid: number): number {
  return Number(/VmRSS:\s*(\d+) kB/.exec(read(`/proc/${pid}/status`))?.[1]) / 1024;
}

/** Files, sockets and the rest. */
export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

const QUIET_STEP_MS = 250;
const QUIET_STEPS = 2;
const QUIET_LIMIT_MS = 20_000;

/** Waits until start-up work in the background has ended, so that it is neither measured nor in anybody's way. */
export async function waitUntilQuiet(pid: number): Promise<void> {
  const deadline = performance.now() + QUIET_LIMIT_MS;
  let quietSteps = 0;
  let before = cpuMs(pid);
  while (quietSteps < QUIET_STEPS && performance.now() < deadline) {
    await pause(QUIET_STEP_MS);
    const now = cpuMs(pid);
    quietSteps = now - before <= 10 || Number.isNaN(now) ? quietSteps + 1 : 0;
    before = now;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
