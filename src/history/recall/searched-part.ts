import type { RecallIndex } from "./recall-index.ts";
import type { Field, Postings } from "./score-field.ts";

/** A session's index. What comes behind its first `turns`, up to `allTurns`, is in the context already. */
export interface RecallPart {
  readonly index: RecallIndex;
  readonly turns: number;
  readonly allTurns: number;
}

/** Units in a segment, and between the starts of two. */
const SEGMENT_LENGTH = 5;
const SEGMENT_STRIDE = 2;

/** Which of the first `count` units have the term. Postings are in order: what comes later is cut off. */
export function postingsIn(index: RecallIndex, count: number, term: string): Postings {
  const postings = index.postings(term);
  let end = postings.length;
  while (end > 0 && (postings[end - 2] ?? 0) >= count) end -= 2;
  return postings.slice(0, end);
}

export function unitField({ index, turns }: RecallPart): Field {
  return {
    documents: index.unitsIn(turns),
    length: (unit) => index.units[unit]?.length ?? 0,
    documentsWith: (unit) => [unit, unit],
  };
}

/** Stretches of a few units that overlap: what is asked for is often said in several remarks. */
export function segmentField({ index, turns }: RecallPart): Field {
  const units = index.unitsIn(turns);
  const { termsBefore } = index;
  const documents = Math.ceil(units / SEGMENT_STRIDE);
  return {
    documents,
    length(segment) {
      const from = segment * SEGMENT_STRIDE;
      return (termsBefore[Math.min(units, from + SEGMENT_LENGTH)] ?? 0) - (termsBefore[from] ?? 0);
    },
    documentsWith: segmentsWith,
  };
}

export const segmentsWith = (unit: number): readonly [number, number] => [
  Math.max(0, Math.ceil((unit - SEGMENT_LENGTH + 1) / SEGMENT_STRIDE)),
  Math.floor(unit / SEGMENT_STRIDE),
];

export function episodeField({ index, turns }: RecallPart): Field {
  const units = index.unitsIn(turns);
  const { episodes, termsBefore } = index;
  return {
    documents: units === 0 ? 0 : (index.units[units - 1]?.episode ?? 0) + 1,
    length(episode) {
      const end = Math.min(units, episodes[episode + 1]?.first ?? units);
      return (termsBefore[end] ?? 0) - (termsBefore[episodes[episode]?.first ?? 0] ?? 0);
    },
    documentsWith(unit) {
      const episode = index.units[unit]?.episode ?? 0;
      return [episode, episode];
    },
  };
}
