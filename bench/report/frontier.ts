import { type ClientCount, clientCounts, type Samples } from "../rig/samples.ts";
import { median } from "../rig/statistics.ts";
import type { TargetName } from "../targets/target.ts";

/** Within these, the most that a target answers is told. */
export const p99BoundsMs = [1, 5, 10] as const;

/** A target under the load of so many clients: medians of the rounds. */
export interface FrontierPoint {
  readonly clients: ClientCount;
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
}

/** What was measured, fewest clients first. */
export function frontierPoints(samples: Samples, target: TargetName): readonly FrontierPoint[] {
  return clientCounts
    .map((clients) => ({
      clients,
      requestsPerSecond: median(samples.of(target, `throughputAt${clients}`)),
      p99Ms: median(samples.of(target, `p99MsAt${clients}`)),
    }))
    .filter(({ p99Ms }) => !Number.isNaN(p99Ms));
}

/** The most requests per second within a p99: 0 when not even one client is answered in time, `undefined` unmeasured. */
export function mostWithin(points: readonly FrontierPoint[], p99Ms: number): number | undefined {
  if (points.length === 0) return undefined;
  const within = points.filter((point) => point.p99Ms <= p99Ms);
  return Math.max(0, ...within.map(({ requestsPerSecond }) => requestsPerSecond));
}
