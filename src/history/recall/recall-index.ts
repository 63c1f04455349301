import { createWorkSlices } from "../../kit/work-slices.ts";
import type { HistoryMessage } from "../history-strategy.ts";
import type { Language } from "./languages.ts";
import { isQuestion } from "./read-ask.ts";
import { addressedNames, readRemark } from "./remark.ts";
import { type Passage, splitPassages } from "./split-passages.ts";
import type { TermReader } from "./term-reader.ts";
import { createUnitVectors, type UnitVectors } from "./unit-vectors.ts";

/** A turn of the transcript as it is stored, redacted. */
export interface RecallTurn {
  /** Differs from turn to turn, and with the choice the conversation went on from. */
  readonly key: string;
  readonly at: number;
  readonly messages: readonly HistoryMessage[];
}

/** What is found and recalled: a remark, or a passage of a long one. */
export interface RecallUnit extends Passage {
  /** Among the index's units. */
  readonly position: number;
  readonly turn: number;
  readonly at: number;
  readonly message: HistoryMessage;
  /** That it opens with, folded. */
  readonly name: string | undefined;
  /** Whether it ends with a question. */
  readonly asks: boolean;
  /** Terms in it. */
  readonly length: number;
  readonly episode: number;
}

/** A sitting: the units up to the next long pause. */
export interface Episode {
  readonly first: number;
}

/**
 * An inverted index over a transcript. It only grows: adding a turn costs as much as the turn is long, and the first n
 * turns of it are what an index of n turns would be.
 */
export interface RecallIndex {
  readonly units: readonly RecallUnit[];
  readonly episodes: readonly Episode[];
  /** Terms in all units before each unit, and at the end of the list in all of them. */
  readonly termsBefore: readonly number[];
  /** Names that remarks open with, and which units they open. */
  readonly names: ReadonlyMap<string, readonly number[]>;
  /** Names by which remarks address somebody, folded, and which units do. */
  readonly addressed: ReadonlyMap<string, readonly number[]>;
  readonly turnCount: number;
  readonly vectors: UnitVectors;
  /** What it weighs in memory, about. */
  readonly bytes: number;
  /** The language of most that was said. */
  readonly language: Language;
  keyAt(turn: number): string | undefined;
  /** How many units the first `turns` turns make. */
  unitsIn(turns: number): number;
  /** Units with the term, each followed by how often it has it, in order. */
  postings(term: string): readonly number[];
  /** One after the other. A long turn is read with pauses, and there for nobody before it is there whole. */
  add(turn: RecallTurn): Promise<void>;
}

/** Of a posting and a unit, besides the text: estimates. */
const POSTING_BYTES = 24;
const UNIT_BYTES = 200;
/** Finding the stems of a text takes about so many times as long as counting its tokens. */
export const STEMMING = 4;

export function createRecallIndex(reader: TermReader, { episodeGapMs }: { episodeGapMs: number }): RecallIndex {
  const units: RecallUnit[] = [];
  const vectors = createUnitVectors();
  const episodes: Episode[] = [];
  const termsBefore: number[] = [0];
  const names = new Map<string, number[]>();
  const addressed = new Map<string, number[]>();
  const postings = new Map<string, number[]>();
  const keys: string[] = [];
  const unitsBefore: number[] = [0];
  const spoken = new Map<Language, number>();
  let language: Language = "english";
  let bytes = 0;

  function enter(unit: Omit<RecallUnit, "position" | "length" | "episode">, text: string): void {
    const read = reader.read(text, language);
    noteLanguage(read.language, read.terms.length);
    const position = units.length;
    const last = units.at(-1);
    if (!last || unit.at - last.at > episodeGapMs) episodes.push({ first: position });
    units.push({ ...unit, position, length: read.terms.length, episode: episodes.length - 1 });
    termsBefore.push((termsBefore[position] ?? 0) + read.terms.length);
    for (const [term, count] of countTerms(read.terms)) {
      note(postings, term, position, count);
      bytes += POSTING_BYTES;
    }
    for (const name of addressedNames(text)) {
      note(addressed, name, position);
      bytes += POSTING_BYTES;
    }
    bytes += UNIT_BYTES + (unit.end - unit.start);
  }

  function noteLanguage(met: Language, weight: number): void {
    const total = (spoken.get(met) ?? 0) + weight;
    spoken.set(met, total);
    if (total > (spoken.get(language) ?? 0)) language = met;
  }

  return {
    units,
    vectors,
    episodes,
    termsBefore,
    names,
    addressed,
    get turnCount() {
      return keys.length;
    },
    get bytes() {
      return bytes + vectors.bytes;
    },
    get language() {
      return language;
    },
    keyAt: (turn) => keys[turn],
    unitsIn: (turns) => unitsBefore[Math.min(turns, keys.length)] ?? 0,
    postings: (term) => postings.get(term) ?? [],
    async add(turn) {
      const slices = createWorkSlices();
      const parts: ReturnType<typeof readParts> = [];
      for (const message of turn.messages) {
        const pause = slices.before(message.bytes.length);
        if (pause) await pause;
        parts.push(...readParts(message));
      }
      for (const { text } of parts) {
        const pause = slices.before(text.length);
        if (pause) await pause;
        await reader.prepare([text], language);
      }
      // Nothing fails from here on, which would leave half a turn behind.
      for (const { text, ...part } of parts) {
        const pause = slices.before(text.length * STEMMING + UNIT_BYTES);
        if (pause) await pause;
        if (part.name !== undefined && part.start === 0) note(names, part.name, units.length);
        enter({ ...part, turn: keys.length, at: turn.at }, text);
      }
      // Whoever searches goes by how many turns there are.
      keys.push(turn.key);
      unitsBefore.push(units.length);
    },
  };
}

function readParts(message: HistoryMessage) {
  const remark = readRemark(message);
  if (!remark) return [];
  const { text, name } = remark;
  return splitPassages(text).map((passage) => ({
    ...passage,
    message,
    name: name?.toLowerCase(),
    asks: isQuestion(text.slice(passage.start, passage.end).trim()),
    text: text.slice(passage.start, passage.end),
  }));
}

function note(lists: Map<string, number[]>, key: string, ...entries: readonly number[]): void {
  const list = lists.get(key);
  if (list) list.push(...entries);
  else lists.set(key, [...entries]);
}

function countTerms(terms: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
  return counts;
}
