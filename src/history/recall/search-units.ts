import type { RecallIndex, RecallUnit } from "./recall-index.ts";
import { type Field, type Postings, scoreFields } from "./score-field.ts";
import { episodeField, postingsIn, type RecallPart, segmentField, segmentsWith, unitField } from "./searched-part.ts";

export interface RecallQuery {
  /** What is looked for. */
  readonly terms: readonly string[];
  /** Every word of it, folded; names are found among them. */
  readonly words: ReadonlySet<string>;
}

/** What a unit's score is made of, each part in proportion to the best of its kind: found on LoCoMo. */
const weights = {
  previous: 0.5,
  next: 0.5,
  beforePrevious: 0.35,
  afterNext: 0.2,
  episode: 0.8,
  segment: 0.8,
  substance: 0.2,
};
/** Terms of a remark that says something; "Thanks, take care!" is rarely what is asked for. */
const SUBSTANTIAL_TERMS = 15;
/** For remarks of the speaker whom a question names, when it names no other. */
const SPEAKER_BOOST = 1.5;
/** Of a long question the rarest terms; the others tell nothing apart. */
const MAX_TERMS = 48;
/** A name that opens fewer remarks is none, such as "Note: ". */
const MIN_REMARKS_OF_SPEAKER = 3;

export interface ScoredUnit {
  readonly unit: RecallUnit;
  readonly score: number;
}

/** The units of one or more sessions, the best first; those that have nothing to do with the query are left out. */
export function searchUnits(parts: readonly RecallPart[], query: RecallQuery): ScoredUnit[] {
  const postings = askedPostings(parts, query);
  const score = (fieldOf: (part: RecallPart) => Field) => scoreFields(parts.map(fieldOf), postings);
  const [units, segments, episodes] = [score(unitField), score(segmentField), score(episodeField)];
  const speaker = namedSpeaker(parts, query);
  const found = parts.flatMap(({ index, turns }, place) => {
    const at = { units: units[place], segments: segments[place], episodes: episodes[place] };
    return mixScores(index, index.unitsIn(turns), at).map(({ unit, score: mixed }) => ({
      unit,
      score: speaker !== undefined && unit.name === speaker ? mixed * SPEAKER_BOOST : mixed,
    }));
  });
  return found.toSorted((left, right) => right.score - left.score);
}

/** By term and part. */
function askedPostings(parts: readonly RecallPart[], { terms }: RecallQuery): (readonly Postings[])[] {
  const found = [...new Set(terms)].map((term) =>
    parts.map(({ index, turns }) => postingsIn(index, index.unitsIn(turns), term)),
  );
  const having = (postings: readonly Postings[]): number => postings.reduce((sum, { length }) => sum + length, 0);
  const known = found.filter((postings) => having(postings) > 0);
  return known.toSorted((left, right) => having(left) - having(right)).slice(0, MAX_TERMS);
}

interface FieldScores {
  readonly units: Float64Array | undefined;
  readonly segments: Float64Array | undefined;
  readonly episodes: Float64Array | undefined;
}

function mixScores({ units }: RecallIndex, count: number, scores: FieldScores): ScoredUnit[] {
  const own = (unit: number, episode: number): number =>
    units[unit]?.episode === episode ? (scores.units?.[unit] ?? 0) : 0;
  return units.slice(0, count).flatMap((unit, at) => {
    const related =
      own(at, unit.episode) +
      weights.previous * own(at - 1, unit.episode) +
      weights.next * own(at + 1, unit.episode) +
      weights.beforePrevious * own(at - 2, unit.episode) +
      weights.afterNext * own(at + 2, unit.episode) +
      weights.episode * (scores.episodes?.[unit.episode] ?? 0) +
      weights.segment * bestSegment(scores.segments, at);
    const substance = weights.substance * Math.min(1, unit.length / SUBSTANTIAL_TERMS);
    return related > 0 ? [{ unit, score: related + substance }] : [];
  });
}

function bestSegment(segments: Float64Array | undefined, unit: number): number {
  const [first, last] = segmentsWith(unit);
  return segments?.subarray(first, last + 1).reduce((best, score) => Math.max(best, score), 0) ?? 0;
}

function namedSpeaker(parts: readonly RecallPart[], { words }: RecallQuery): string | undefined {
  const remarks = new Map<string, number>();
  for (const { index, turns } of parts) {
    const count = index.unitsIn(turns);
    for (const [name, units] of index.names) {
      remarks.set(name, (remarks.get(name) ?? 0) + units.filter((unit) => unit < count).length);
    }
  }
  const named = [...remarks].filter(
    ([name, count]) => count >= MIN_REMARKS_OF_SPEAKER && name.split(/[\s'’-]+/).every((word) => words.has(word)),
  );
  return named.length === 1 ? named[0]?.[0] : undefined;
}
