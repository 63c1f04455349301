import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Where the measured gateway runs, and where everything that measures it runs. */
export interface Cores {
  readonly isPinned: boolean;
  /** The words to put before a command; none without `taskset`. */
  readonly gatewayPrefix: readonly string[];
  /** Why nothing is pinned, or which core has what. */
  readonly description: string;
}

const unpinned = (why: string): Cores => ({ isPinned: false, gatewayPrefix: [], description: `not pinned (${why})` });

/**
 * Gives gateways one core and moves this process to another. What it starts without a prefix (the upstream, Redis)
 * stays beside it, since affinity is inherited.
 */
export function divideCores(): Cores {
  const [gateway, load] = allowedCores();
  if (gateway === undefined || load === undefined) return unpinned("fewer than two cores");
  if (spawnSync("taskset", ["-acp", String(load), String(process.pid)]).status !== 0) return unpinned("no taskset");
  return {
    isPinned: true,
    gatewayPrefix: ["taskset", "-c", String(gateway)],
    description: `pinned: gateway on core ${gateway}; load generator, upstream and Redis on core ${load}`,
  };
}

/** From `Cpus_allowed_list`, such as `0-3,8`: a container may not own the first cores. */
function allowedCores(): number[] {
  const list = /Cpus_allowed_list:\s*(\S+)/.exec(readStatus())?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 || 0 }, (_, index) => first + index);
  });
}

function readStatus(): string {
  try {
    return readFileSync("/proc/self/status", "utf8");
  } catch {
    return "";
  }
}
