import type { RecallUnit } from "./recall-index.ts";
import type { ScoredUnit } from "./search-units.ts";
import type { RecallPart } from "./searched-part.ts";

/** What a nearness of 1 is worth, where the best that words found is worth 1. */
const NEARNESS_WEIGHT = 1;

/** Whether any unit that may be recalled has a vector. */
export const holdVectors = (parts: readonly RecallPart[]): boolean =>
  parts.some(({ index, turns }) =>
    index.units.slice(0, index.unitsIn(turns)).some(({ position }) => index.vectors.of(position)),
  );

/** The units that mean what the vector means: those with a cosine from `minSimilarity` on, which is their score. */
export function nearUnits(parts: readonly RecallPart[], vector: Float32Array, minSimilarity: number): ScoredUnit[] {
  return parts.flatMap(({ index, turns }) =>
    index.units.slice(0, index.unitsIn(turns)).flatMap((unit) => {
      const own = index.vectors.of(unit.position);
      const score = own?.length === vector.length ? dot(own, vector) : 0;
      return score >= minSimilarity ? [{ unit, score }] : [];
    }),
  );
}

/** One ranking of both: scores in proportion to the best by words, plus the nearness. Either alone is enough to be in it. */
export function fuseScores(byWords: readonly ScoredUnit[], near: readonly ScoredUnit[]): RecallUnit[] {
  const best = byWords.reduce((most, { score }) => Math.max(most, score), 0);
  const scores = new Map(byWords.map(({ unit, score }) => [unit, score / best]));
  for (const { unit, score } of near) scores.set(unit, (scores.get(unit) ?? 0) + NEARNESS_WEIGHT * score);
  return [...scores].toSorted(([, left], [, right]) => right - left).map(([unit]) => unit);
}

function dot(left: Float32Array, right: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < left.length; at += 1) sum += (left[at] ?? 0) * (right[at] ?? 0);
  return sum;
}
