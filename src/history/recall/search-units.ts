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
/** More than any room holds. */
const MAX_FOUND = 1_000;

export interface ScoredUnit {
  readonly unit: RecallUnit;
  readonly score: number;
}

/** The best units of one or more sessions, in order; those that have nothing to do with the query are left out. */
export function searchUnits(parts: readonly RecallPart[], query: RecallQuery): ScoredUnit[] {
  const speaker = namedSpeaker(parts, query);
  const terms = askedTerms(parts, query, speaker.names);
  const score = (fieldOf: (part: RecallPart) => Field) => scoreFields(parts.map(fieldOf), terms);
  const [units, segments, episodes] = [score(unitField), score(segmentField), score(episodeField)];
  const found: ScoredUnit[] = [];
  for (const [place, { index, turns }] of parts.entries()) {
    const at = { units: units[place], segments: segments[place], episodes: episodes[place] };
    for (const unit of index.units.slice(0, index.unitsIn(turns))) {
      const mixed = mixScores(index, unit, at);
      if (mixed === 0) continue;
      const dated = query.date ? mixed + weights.date * dateWorth(query.date, unit.at) : mixed;
      const asking = unit.asks ? QUESTION_SHARE : 1;
      found.push({ unit, score: dated * asking * (speaker.spokeIn(unit) ? SPEAKER_BOOST : 1) });
    }
  }
  return bestFirst(found);
}

/** Of a long session almost all have something to do with a query: only the best are put in order. */
function bestFirst(found: readonly ScoredUnit[]): ScoredUnit[] {
  const scores = Float64Array.from(found, ({ score }) => score).sort();
  const least = scores.at(-MAX_FOUND) ?? 0;
  return found.filter(({ score }) => score >= least).sort((left, right) => right.score - left.score);
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

/** 0 where a unit has nothing to do with the query. */
function mixScores({ units }: RecallIndex, { position: at, episode, length }: RecallUnit, scores: FieldScores): number {
  const own = (unit: number): number => (units[unit]?.episode === episode ? (scores.units?.[unit] ?? 0) : 0);
  const previous = weights.previous + (units[at - 1]?.asks ? weights.questionBefore : 0);
  const related =
    own(at) +
    previous * own(at - 1) +
    weights.next * own(at + 1) +
    weights.beforePrevious * own(at - 2) +
    weights.afterNext * own(at + 2) +
    weights.episode * (scores.episodes?.[episode] ?? 0) +
    weights.segment * bestSegment(scores.segments, at);
  return related > 0 ? related + weights.substance * Math.min(1, length / SUBSTANTIAL_TERMS) : 0;
}

function bestSegment(segments: Float64Array | undefined, unit: number): number {
  const [first, last] = segmentsWith(unit);
  let best = 0;
  for (let segment = first; segment <= last; segment += 1) best = Math.max(best, segments?.[segment] ?? 0);
  return best;
}
