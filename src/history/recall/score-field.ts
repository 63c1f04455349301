/** One way to see units as documents: each by itself, in segments, in episodes. Documents are numbered from 0. */
export interface Field {
  readonly documents: number;
  /** Terms in a document. */
  length(document: number): number;
  /** The documents that a unit is in: `[first, last]`. */
  documentsWith(unit: number): readonly [number, number];
}

/** Units and counts, in turn, that have a term. */
export type Postings = readonly number[];

/** One of the terms that are looked for. */
export interface AskedTerm {
  /** By field. */
  readonly postings: readonly Postings[];
  /** Of a plain one 1. */
  readonly weight: number;
}

/** BM25's parameters, for short documents of which few repeat a word. */
const K1 = 0.9;
const B = 0.4;

/** Scores of every document of the fields under BM25, as if these were one collection; the best is 1. */
export function scoreFields(fields: readonly Field[], terms: readonly AskedTerm[]): readonly Float64Array[] {
  const total = fields.reduce((sum, { documents }) => sum + documents, 0);
  const meanLength = fields.reduce((sum, field) => sum + lengthOf(field), 0) / Math.max(1, total);
  const boards = fields.map((field) => createBoard(field, meanLength));
  for (const { postings, weight } of terms) {
    const having = boards.reduce((sum, board, place) => sum + board.count(postings[place] ?? []), 0);
    for (const board of boards) board.settle(weight * rarity(having, total) * (K1 + 1));
  }
  return inProportion(boards.map(({ scores }) => scores));
}

/** What a term is worth that `having` of `total` documents have. */
export const rarity = (having: number, total: number): number => Math.log(1 + (total - having + 0.5) / (having + 0.5));

function lengthOf(field: Field): number {
  let sum = 0;
  for (let document = 0; document < field.documents; document += 1) sum += field.length(document);
  return sum;
}

/** The scores of one field's documents, term by term. */
function createBoard(field: Field, meanLength: number) {
  const scores = new Float64Array(field.documents);
  const counts = new Float64Array(field.documents);
  let touched: number[] = [];
  return {
    scores,
    /** How many documents have the term. */
    count(postings: Postings): number {
      for (let at = 0; at < postings.length; at += 2) {
        const [first, last] = field.documentsWith(postings[at] ?? 0);
        for (let document = first; document <= last; document += 1) {
          if (counts[document] === 0) touched.push(document);
          counts[document] = (counts[document] ?? 0) + (postings[at + 1] ?? 0);
        }
      }
      return touched.length;
    },
    /** Gives each of them its score for the term. */
    settle(weight: number): void {
      for (const document of touched) {
        const count = counts[document] ?? 0;
        const norm = K1 * (1 - B + (B * field.length(document)) / meanLength);
        scores[document] = (scores[document] ?? 0) + (weight * count) / (count + norm);
        counts[document] = 0;
      }
      touched = [];
    },
  };
}

function inProportion(scores: readonly Float64Array[]): readonly Float64Array[] {
  let best = 0;
  for (const list of scores) for (const score of list) best = Math.max(best, score);
  if (best > 0)
    for (const list of scores) for (let at = 0; at < list.length; at += 1) list[at] = (list[at] ?? 0) / best;
  return scores;
}
