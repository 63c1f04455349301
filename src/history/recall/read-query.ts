import type { Language } from "./languages.ts";
import { type AskedDate, readDate } from "./read-date.ts";
import { readWords } from "./read-words.ts";
import type { TermReader } from "./term-reader.ts";

/** What is looked for. */
export interface RecallQuery {
  readonly terms: readonly string[];
  /** Every word of it, folded; names are found among them. */
  readonly words: ReadonlySet<string>;
  /** The term that a word is searched by; of a stopword none. */
  termOf(word: string): string | undefined;
  /** A day, month or year it names. */
  readonly date: AskedDate | undefined;
}

/** `text` was prepared with the language. */
export function readQuery(reader: TermReader, text: string, language: Language): RecallQuery {
  const { terms, words } = reader.read(text, language);
  return {
    terms,
    words: new Set(readWords(text).spaced),
    termOf: (word) => terms[words.indexOf(word)],
    date: readDate(text),
  };
}
