import type { Ask } from "./read-ask.ts";
import { rarity } from "./score-field.ts";
import { postingsIn, type RecallPart } from "./searched-part.ts";
import type { TermText } from "./term-reader.ts";

/** What the terms that meet in one old place must be worth together, in BM25's idf: two of middling rarity, or one rare. */
const MIN_WORTH = 3;
const MIN_WORTH_OF_ONE = 5;
/** So many tell. */
const MAX_TERMS = 64;
/** Of the best place in the context: when that answers clearly better, the past is not asked for. */
const MIN_OF_SHOWN = 0.7;
/** Of a question inside other talk, and of all that it asks for: it may be small talk. */
const MIN_WORTH_IN_PASSING = 6;
const MIN_COVERED = 0.6;

/**
 * The second half of the gate: whether some place that is no longer in the context holds what the question asks for.
 * Measured on LoCoMo; see `npm run bench:recall`.
 */
export function needsRecall(ask: Ask, { terms }: TermText, parts: readonly RecallPart[]): boolean {
  const asked = weigh([...new Set(terms)].slice(0, MAX_TERMS), parts);
  const all = asked.reduce((sum, { worth }) => sum + worth, 0);
  const old = bestPlace(asked, parts, "old");
  if (old < (asked.length === 1 ? MIN_WORTH_OF_ONE : MIN_WORTH)) return false;
  if (old < bestPlace(asked, parts, "shown") * MIN_OF_SHOWN) return false;
  if (ask.isAllQuestions || ask.namesThePast) return true;
  return !ask.addressesYou && old >= MIN_WORTH_IN_PASSING && old >= all * MIN_COVERED;
}

interface AskedTerm {
  readonly worth: number;
  /** By part, the units that have it. */
  readonly units: readonly (readonly number[])[];
}

function weigh(terms: readonly string[], parts: readonly RecallPart[]): AskedTerm[] {
  const total = parts.reduce((sum, { index, allTurns }) => sum + index.unitsIn(allTurns), 0);
  return terms.map((term) => {
    const units = parts.map(({ index, allTurns }) =>
      postingsIn(index, index.unitsIn(allTurns), term).filter((_, at) => at % 2 === 0),
    );
    const having = units.reduce((sum, list) => sum + list.length, 0);
    return { worth: rarity(having, total), units };
  });
}

/** What the terms are worth that meet in one unit and its neighbours, at the best of all places. */
function bestPlace(asked: readonly AskedTerm[], parts: readonly RecallPart[], where: "old" | "shown"): number {
  let best = 0;
  for (const [place, { index, turns }] of parts.entries()) {
    const border = index.unitsIn(turns);
    const worthAt = new Map<number, number>();
    for (const { worth, units } of asked) {
      const near = new Set<number>();
      for (const unit of units[place] ?? []) {
        if (unit < border !== (where === "old")) continue;
        for (const neighbour of [unit - 1, unit, unit + 1]) near.add(neighbour);
      }
      for (const unit of near) worthAt.set(unit, (worthAt.get(unit) ?? 0) + worth);
    }
    for (const worth of worthAt.values()) best = Math.max(best, worth);
  }
  return best;
}
