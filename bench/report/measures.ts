import type { Measure, Samples } from "../rig/samples.ts";
import { median } from "../rig/statistics.ts";
import type { TargetName } from "../targets/target.ts";
import { frontierPoints, mostWithin, p99BoundsMs } from "./frontier.ts";

/** A row of the table. */
export interface Row {
  readonly label: string;
  /** Budget of a stateful turn, as published. */
  readonly goal: string;
  /** `undefined` for an empty cell. */
  readonly value: (samples: Samples, target: TargetName) => number | undefined;
  readonly decimals: number;
  readonly sign?: "always";
}

const measured =
  (measure: Measure) =>
  (samples: Samples, target: TargetName): number | undefined => {
    const value = median(samples.of(target, measure));
    return Number.isNaN(value) ? undefined : value;
  };

const comparedTo =
  (other: TargetName, measure: Measure, compare: (value: number, base: number) => number) =>
  (samples: Samples, target: TargetName): number | undefined => {
    const [value, base] = [measured(measure)(samples, target), measured(measure)(samples, other)];
    return value === undefined || base === undefined || target === "direct" ? undefined : compare(value, base);
  };

const ratioTo = (measure: Measure, other: TargetName) => comparedTo(other, measure, (value, base) => value / base);

const above = (measure: Measure, other: TargetName) => {
  const difference = comparedTo(other, measure, (value, base) => value - base);
  return (samples: Samples, target: TargetName): number | undefined =>
    target === other ? undefined : difference(samples, target);
};

const withinP99 =
  (p99Ms: number) =>
  (samples: Samples, target: TargetName): number | undefined =>
    mostWithin(frontierPoints(samples, target), p99Ms);

const shareOf =
  (measure: Measure, other: TargetName) =>
  (samples: Samples, target: TargetName): number | undefined => {
    const ratio = ratioTo(measure, other)(samples, target);
    return ratio === undefined ? undefined : 1 / ratio;
  };

/** Differences to the direct target say nothing about the direct target. */
const added =
  (measure: Measure) =>
  (samples: Samples, target: TargetName): number | undefined =>
    target === "direct" ? undefined : measured(measure)(samples, target);

export const rows: readonly Row[] = [
  { label: "requests/s, 16 clients", goal: "≥ 3,000", value: measured("throughput"), decimals: 0 },
  { label: "… × Portkey", goal: "≥ 4", value: ratioTo("throughput", "Portkey"), decimals: 2 },
  { label: "… × bare proxy", goal: "", value: ratioTo("throughput", "bare proxy"), decimals: 2 },
  { label: "p99 ms, 16 clients", goal: "", value: measured("busyP99Ms"), decimals: 1 },
  ...p99BoundsMs.map((bound) => ({
    label: `requests/s at p99 ≤ ${bound} ms, up to 64 clients`,
    goal: "",
    value: withinP99(bound),
    decimals: 0,
  })),
  { label: "CPU µs per request", goal: "", value: measured("cpuPerRequestUs"), decimals: 0 },
  { label: "… Portkey's by this", goal: "≥ 4", value: shareOf("cpuPerRequestUs", "Portkey"), decimals: 2 },
  { label: "… this by bare proxy's", goal: "", value: ratioTo("cpuPerRequestUs", "bare proxy"), decimals: 2 },
  { label: "calls of the store per turn", goal: "", value: measured("storeCalls"), decimals: 1 },
  {
    label: "added p50 ms, 1 client",
    goal: "≤ 0.8 / 1.0 / 1.2",
    value: added("addedP50Ms"),
    decimals: 2,
    sign: "always",
  },
  { label: "added p99 ms, 1 client", goal: "", value: added("addedP99Ms"), decimals: 2, sign: "always" },
  {
    label: "added time to first token, p50 ms",
    goal: "",
    value: added("addedFirstByteP50Ms"),
    decimals: 2,
    sign: "always",
  },
  {
    label: "added time to first token, p99 ms",
    goal: "≤ 1",
    value: added("addedFirstByteP99Ms"),
    decimals: 2,
    sign: "always",
  },
  { label: "CPU µs per SSE frame", goal: "≤ 10", value: measured("cpuPerFrameUs"), decimals: 1 },
  { label: "… above bare proxy's", goal: "", value: above("cpuPerFrameUs", "bare proxy"), decimals: 1, sign: "always" },
  { label: "50,000-token histories: turns/s", goal: "≥ 150", value: measured("longThroughput"), decimals: 0 },
  { label: "… added p50 ms", goal: "≤ 5", value: added("longAddedP50Ms"), decimals: 2, sign: "always" },
  { label: "longest gap under hostile 1 MB, ms", goal: "≤ 50", value: measured("longestGapMs"), decimals: 0 },
  { label: "… ten of them at once", goal: "≤ 50", value: measured("crowdGapMs"), decimals: 0 },
  { label: "memory at rest, MB", goal: "≤ 130", value: measured("restMegabytes"), decimals: 0 },
  {
    label: "memory at rest after a very first start, MB",
    goal: "",
    value: measured("firstRestMegabytes"),
    decimals: 0,
  },
  { label: "memory after load, MB", goal: "≤ 250", value: measured("loadedMegabytes"), decimals: 0 },
  { label: "cold start to ready, ms", goal: "≤ 600", value: measured("readyMs"), decimals: 0 },
];
