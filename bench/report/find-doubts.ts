import type { Measure, Samples } from "../rig/samples.ts";
import { median, spread } from "../rig/statistics.ts";
import type { TargetName } from "../targets/target.ts";
import { frontierPoints } from "./frontier.ts";

const MAX_SPREAD = 0.2;
/** Below this the load generator, not the gateway, may have been what was measured. */
const MIN_HEADROOM = 1.5;
/** Figures of which the headline ratios are made. */
const steadyMeasures = ["throughput", "cpuPerRequestUs", "longThroughput"] as const satisfies readonly Measure[];

/** Reasons not to trust a run. */
export function findDoubts(samples: Samples, targets: readonly TargetName[]): readonly string[] {
  return [...unsteady(samples, targets), ...failed(samples, targets), ...tooFast(samples, targets)];
}

function unsteady(samples: Samples, targets: readonly TargetName[]): readonly string[] {
  return targets.flatMap((target) =>
    steadyMeasures.flatMap((measure) => {
      const apart = spread(samples.of(target, measure));
      return apart > MAX_SPREAD ? [`${target}: ${measure} varied by ${Math.round(apart * 100)} % between rounds`] : [];
    }),
  );
}

function failed(samples: Samples, targets: readonly TargetName[]): readonly string[] {
  return targets.flatMap((target) => {
    const count = samples.failures(target);
    return count > 0 ? [`${target}: ${count} requests were not answered with 200`] : [];
  });
}

function tooFast(samples: Samples, targets: readonly TargetName[]): readonly string[] {
  const limit = highestRate(samples, "direct") / MIN_HEADROOM;
  return targets
    .filter((target) => target !== "direct" && highestRate(samples, target) > limit)
    .map((target) => `${target}: close to what the load generator can do; its real throughput may be higher`);
}

/** Whatever load it was that brought it; `-Infinity` when no load was measured. */
function highestRate(samples: Samples, target: TargetName): number {
  const rates = frontierPoints(samples, target).map(({ requestsPerSecond }) => requestsPerSecond);
  return Math.max(...[median(samples.of(target, "throughput")), ...rates].filter((rate) => rate > 0));
}
