import type { Timeline } from "./timeline.ts";

/**
 * Where a cut that the cap forces goes, as a share of the cap: a cut to just below it would be due again on the next
 * request and leave the prompt cache nothing. At common prices √(2uP / r) is about a quarter of a full window too.
 */
const CAP_LOW_WATER = 0.75;

export interface CapLimits {
  readonly timeline: Timeline;
  readonly from: number;
  /** Where the strategy would cut by itself. */
  readonly lowWater: number;
  /** The latest cut that leaves the turns promised verbatim. */
  readonly promised: number;
  readonly maxTokens: number;
  /** Tokens of the prompt besides the turns. */
  readonly otherTokens: number;
}

/**
 * The turn to cut at when the prompt would exceed the cap. Turns promised verbatim stay as long as they fit at all;
 * when they do not, as few turns go as bring the prompt to its low water. Where nothing more may be cut, it goes as
 * far as it can, at worst nowhere (`from`).
 */
export function capCut({ timeline, from, lowWater, promised, maxTokens, otherTokens }: CapLimits): number {
  const fitting = (limit: number): number =>
    timeline.earliestCut(from, timeline.firstFitting(Math.floor(limit) - otherTokens));
  const eased = fitting(maxTokens * CAP_LOW_WATER);
  if (eased <= promised) return Math.max(eased, lowWater);
  const tight = fitting(maxTokens);
  if (tight <= promised) return promised;
  return eased < timeline.end ? eased : tight;
}

/** Where a context as long as the cap allows begins, with room to grow. */
export function widestCut(limits: Pick<CapLimits, "timeline" | "from" | "maxTokens" | "otherTokens">): number {
  return capCut({ ...limits, lowWater: limits.from, promised: limits.from });
}
