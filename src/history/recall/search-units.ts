import { namedSpeaker } from "./named-speaker.ts";
import { dateWorth } from "./read-date.ts";
import type { RecallQuery } from "./read-query.ts";
import type { RecallIndex, RecallUnit } from "./recall-index.ts";
import { type AskedTerm, type Field, scoreFields } from "./score-field.ts";
import { episodeField, postingsIn, type RecallPart, segmentField, segmentsWith, unitField } from "./searched-part.ts";

/** What a unit's score is made of, each part in proportion to the best of its kind: found on LoCoMo. */
const weights = {
  previous: 0.5,
  /** More, where that is a question, which this may answer. */
  questionBefore: 0.3,
  next: 0.5,
  beforePrevious: 0.35,
  afterNext: 0.2,
  episode: 0.8,
  segment: 0.8,
  substance: 0.2,
  date: 1,
};
/** Terms of a remark that says something; "Thanks, take care!" is rarely what is asked for. */
const SUBSTANTIAL_TERMS = 15;
/** For remarks of the speaker whom a question names, when it names no other. */
const SPEAKER_BOOST = 1.5;
/** For a question, which tells less than its answer. */
const QUESTION_SHARE = 0.85;
/** Of a speaker's name: who calls him by it says little of him. */
const NAME_WEIGHT = 0.5;
/** Of a long question the rarest terms; the others tell nothing apart. */
const MAX_TERMS = 48;

export interface ScoredUnit {
  readonly unit: RecallUnit;
  readonly score: number;
}

/** The units of one or more sessions, the best first; those that have nothing to do with the query are left out. */
export function searchUnits(parts: readonly RecallPart[], query: RecallQuery): ScoredUnit[] {
  const speaker = namedSpeaker(parts, query.words);
  const terms = askedTerms(parts, query, speaker.names);
  const score = (fieldOf: (part: RecallPart) => Field) => scoreFields(parts.map(fieldOf), terms);
  const [units, segments, episodes] = [score(unitField), score(segmentField), score(episodeField)];
  const found = parts.flatMap(({ index, turns }, place) => {
    const at = { units: units[place], segments: segments[place], episodes: episodes[place] };
    return mixScores(index, index.unitsIn(turns), at).map(({ unit, score: mixed }) => {
      const dated = query.date ? mixed + weights.date * dateWorth(query.date, unit.at) : mixed;
      const asking = unit.asks ? QUESTION_SHARE : 1;
      return { unit, score: dated * asking * (speaker.spokeIn(unit) ? SPEAKER_BOOST : 1) };
    });
  });
  return found.toSorted((left, right) => right.score - left.score);
}

/** By term and part. */
function askedTerms(
  parts: readonly RecallPart[],
  { terms, termOf }: RecallQuery,
  names: ReadonlySet<string>,
): readonly AskedTerm[] {
  const ofNames = new Set([...names].map(termOf));
  const found = [...new Set(terms)].map((term) => ({
    postings: parts.map(({ index, turns }) => postingsIn(index, index.unitsIn(turns), term)),
    weight: ofNames.has(term) ? NAME_WEIGHT : 1,
  }));
  const having = ({ postings }: AskedTerm): number => postings.reduce((sum, { length }) => sum + length, 0);
  const known = found.filter((term) => having(term) > 0);
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
    const previous = weights.previous + (units[at - 1]?.asks ? weights.questionBefore : 0);
    const related =
      own(at, unit.episode) +
      previous * own(at - 1, unit.episode) +
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
