import type { TargetName } from "../targets/target.ts";

/** Loads of the frontier. */
export const clientCounts = [1, 2, 4, 8, 16, 32, 64] as const;
export type ClientCount = (typeof clientCounts)[number];

export type Measure =
  | "throughput"
  | "busyP99Ms"
  | `throughputAt${ClientCount}`
  | `p99MsAt${ClientCount}`
  | "cpuPerRequestUs"
  | "storeCalls"
  | "addedP50Ms"
  | "addedP99Ms"
  | "addedFirstByteP50Ms"
  | "addedFirstByteP99Ms"
  | "cpuPerFrameUs"
  | "longThroughput"
  | "longAddedP50Ms"
  | "longestGapMs"
  | "crowdGapMs"
  | "firstRestMegabytes"
  | "restMegabytes"
  | "loadedMegabytes"
  | "readyMs";

/** What was measured, a value per round. */
export interface Samples {
  add(target: TargetName, measure: Measure, value: number): void;
  of(target: TargetName, measure: Measure): readonly number[];
  /** Requests that were not answered with 200, whatever was being measured. */
  addFailures(target: TargetName, count: number): void;
  failures(target: TargetName): number;
}

export function createSamples(): Samples {
  const values = new Map<string, number[]>();
  const failed = new Map<TargetName, number>();
  const key = (target: TargetName, measure: Measure): string => `${target}/${measure}`;
  return {
    add(target, measure, value) {
      const list = values.get(key(target, measure));
      if (list) list.push(value);
      else values.set(key(target, measure), [value]);
    },
    of: (target, measure) => values.get(key(target, measure)) ?? [],
    addFailures: (target, count) => void failed.set(target, (failed.get(target) ?? 0) + count),
    failures: (target) => failed.get(target) ?? 0,
  };
}
