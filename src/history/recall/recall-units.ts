import type { Language } from "./languages.ts";
import { fuseScores, holdVectors, nearUnits } from "./near-units.ts";
import { needsRecall } from "./needs-recall.ts";
import type { Ask } from "./read-ask.ts";
import { readQuery } from "./read-query.ts";
import type { RecallUnit } from "./recall-index.ts";
import { type ScoredUnit, searchUnits } from "./search-units.ts";
import type { RecallPart } from "./searched-part.ts";
import type { TermReader } from "./term-reader.ts";

/** How a question is compared with what units mean. */
export interface Nearness {
  readonly minSimilarity: number;
  /** `undefined` when the vector does not come in time. Asked for a question only that units could answer to. */
  embed(text: string): Promise<Float32Array | undefined>;
  /** What is near in the parts, where vectors lie elsewhere than beside the indexes. Never rejects. */
  readonly search?: ((parts: readonly RecallPart[], vector: Float32Array) => Promise<ScoredUnit[]>) | undefined;
}

interface Searched {
  readonly parts: readonly RecallPart[];
  /** Absent: words alone find. */
  readonly nearness?: Nearness | undefined;
}

/** What was said that bears on the message, the best first; `undefined` where the gate finds nothing worth recalling. */
export async function recallUnits(
  reader: TermReader,
  ask: Ask,
  { parts, nearness }: Searched,
): Promise<RecallUnit[] | undefined> {
  await reader.prepare([ask.question, ask.query], languageOf(parts));
  const byWords = scoredUnits(reader, ask, parts);
  const comparable = nearness && (byWords ?? asksForIt(ask)) && (nearness.search !== undefined || holdVectors(parts));
  const vector = comparable && (await nearness.embed(ask.query));
  const near = vector ? await findNear(nearness, parts, vector) : [];
  return byWords || near.length > 0 ? fuseScores(byWords ?? [], near) : undefined;
}

const findNear = async (
  { search, minSimilarity }: Nearness,
  parts: readonly RecallPart[],
  vector: Float32Array,
): Promise<ScoredUnit[]> => (search ? search(parts, vector) : nearUnits(parts, vector, minSimilarity));

/** The same for an ask that the reader is prepared for. */
export function preparedUnits(reader: TermReader, ask: Ask, parts: readonly RecallPart[]): RecallUnit[] | undefined {
  return scoredUnits(reader, ask, parts)?.map(({ unit }) => unit);
}

/** Where no words match, what is near must answer a question that is no small talk. */
const asksForIt = ({ isAllQuestions, namesThePast, addressesYou }: Ask): boolean =>
  namesThePast || (isAllQuestions && !addressesYou);

function scoredUnits(reader: TermReader, ask: Ask, parts: readonly RecallPart[]): ScoredUnit[] | undefined {
  const language = languageOf(parts);
  if (!needsRecall(ask, reader.read(ask.question, language), parts)) return undefined;
  return searchUnits(parts, readQuery(reader, ask.query, language));
}

const languageOf = ([first]: readonly RecallPart[]): Language => first?.index.language ?? "english";
