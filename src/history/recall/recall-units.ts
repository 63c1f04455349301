import type { Language } from "./languages.ts";
import { needsRecall } from "./needs-recall.ts";
import type { Ask } from "./read-ask.ts";
import { readWords } from "./read-words.ts";
import type { RecallUnit } from "./recall-index.ts";
import { searchUnits } from "./search-units.ts";
import type { RecallPart } from "./searched-part.ts";
import type { TermReader } from "./term-reader.ts";

/** What was said that bears on the message, the best first; `undefined` where the gate finds nothing worth recalling. */
export async function recallUnits(
  reader: TermReader,
  ask: Ask,
  parts: readonly RecallPart[],
): Promise<RecallUnit[] | undefined> {
  await reader.prepare([ask.question, ask.query], languageOf(parts));
  return preparedUnits(reader, ask, parts);
}

/** The same for an ask that the reader is prepared for. */
export function preparedUnits(reader: TermReader, ask: Ask, parts: readonly RecallPart[]): RecallUnit[] | undefined {
  const language = languageOf(parts);
  if (!needsRecall(ask, reader.read(ask.question, language), parts)) return undefined;
  const { terms } = reader.read(ask.query, language);
  return searchUnits(parts, { terms, words: new Set(readWords(ask.query).spaced) });
}

const languageOf = ([first]: readonly RecallPart[]): Language => first?.index.language ?? "english";
