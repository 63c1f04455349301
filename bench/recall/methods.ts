import { composeRecall } from "../../src/history/recall/compose-recall.ts";
import { readQuery } from "../../src/history/recall/read-query.ts";
import type { RecallUnit } from "../../src/history/recall/recall-index.ts";
import { scoreFields } from "../../src/history/recall/score-field.ts";
import { searchUnits } from "../../src/history/recall/search-units.ts";
import { postingsIn, unitField } from "../../src/history/recall/searched-part.ts";
import type { TermReader } from "../../src/history/recall/term-reader.ts";
import type { Prepared } from "./prepare.ts";

export interface MethodParts {
  readonly reader: TermReader;
  countText(text: string): number;
}

/** Which remarks a question brings, by the text that would be sent. */
export type Method = (parts: MethodParts, prepared: Prepared, question: string) => readonly RecallUnit[];

/** The newest remarks: what a sliding window of the same size holds. */
const lastRemarks: Method = (_, { index }) => index.units.toReversed();

/** Every remark by itself, as search engines do it, over the same terms. */
const plainBm25: Method = ({ reader }, { index }, question) => {
  const part = { index, turns: index.turnCount, allTurns: index.turnCount };
  const { terms } = reader.read(question, index.language);
  const asked = [...new Set(terms)].map((term) => ({
    postings: [postingsIn(index, index.units.length, term)],
    weight: 1,
  }));
  const [scores = new Float64Array()] = scoreFields([unitField(part)], asked);
  return index.units
    .filter((_, at) => (scores[at] ?? 0) > 0)
    .toSorted((left, right) => (scores[right.position] ?? 0) - (scores[left.position] ?? 0));
};

/** What the gateway does once its gate is open. */
const recall: Method = ({ reader }, { index }, question) => {
  const part = { index, turns: index.turnCount, allTurns: index.turnCount };
  return searchUnits([part], readQuery(reader, question, index.language)).map(({ unit }) => unit);
};

export const methods: Readonly<Record<string, Method>> = {
  "last remarks": lastRemarks,
  "plain BM25": plainBm25,
  stategate: recall,
};

/** Share of the evidence that stands word for word in the text of at most so many tokens, frame included. */
export function evidenceTold(
  { countText }: MethodParts,
  ranked: readonly RecallUnit[],
  { maxTokens, evidence }: { maxTokens: number; evidence: readonly string[] },
): number {
  const text = composeRecall(ranked, { maxTokens, countText, isShown: () => false })?.text ?? "";
  return evidence.filter((remark) => text.includes(remark.trim())).length / evidence.length;
}
