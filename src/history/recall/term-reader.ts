import { nextSlice } from "../../kit/slice-queue.ts";
import { englishWord } from "./english-forms.ts";
import { type Language, languages } from "./languages.ts";
import { readWords } from "./read-words.ts";

/** A text as it is searched: the stems of its words but for stopwords, in order. */
export interface TermText {
  readonly terms: readonly string[];
  /** The folded words that the first of the terms are the stems of. */
  readonly words: readonly string[];
  readonly language: Language;
}

/** Reads texts of any language. The language of a text is the one most of whose stopwords it uses. */
export interface TermReader {
  /** Loads what `read` needs for the texts. Resolves at once for languages met before. */
  prepare(texts: readonly string[], fallback: Language): Promise<void>;
  /** `fallback` is the language of a text that does not tell. The texts were prepared with the same. */
  read(text: string, fallback: Language): TermText;
}

type Stemmer = (word: string) => string;

const names = Object.keys(languages) as Language[];
/** So many words tell the language. */
const WORDS_ASKED = 80;
/** Languages share short words: another than the expected one must have so many times its votes. */
const CERTAIN = 1.5;
const MAX_STEMS = 50_000;

/** Loads all lists of stopwords, which takes some tens of milliseconds in small steps, and no stemmer yet. */
export async function openTermReader(): Promise<TermReader> {
  const votes = await loadVotes();
  const stemmers = new Map<Language, Stemmer>();
  const load = async (language: Language): Promise<void> => {
    const { stemmer } = await languages[language].stemmer();
    stemmers.set(language, remembering(language === "english" ? (word) => stemmer(englishWord(word)) : stemmer));
  };
  return {
    async prepare(texts, fallback) {
      for (const text of texts) {
        const language = languageOf(votes, readWords(text).spaced, fallback);
        if (!stemmers.has(language)) await load(language);
      }
    },
    read(text, fallback) {
      const { spaced, pairs } = readWords(text);
      const language = languageOf(votes, spaced, fallback);
      const stem = stemmers.get(language);
      if (!stem) throw new TypeError(`no text in ${language} was prepared`);
      const bit = 1 << names.indexOf(language);
      const telling = spaced.filter((word) => ((votes.get(word) ?? 0) & bit) === 0);
      // A text of stopwords alone, such as "who are you", is still looked for.
      const kept = telling.length + pairs.length > 0 ? telling : spaced;
      return { terms: [...kept.map(stem), ...pairs], words: kept, language };
    },
  };
}

/** Left out of the library's lists. */
const forgotten: Readonly<Partial<Record<Language, readonly string[]>>> = { english: ["a"] };

/** By stopword, the languages that have it, one bit each. */
type Votes = ReadonlyMap<string, number>;

async function loadVotes(): Promise<Votes> {
  const votes = new Map<string, number>();
  for (const [index, name] of names.entries()) {
    const { stopwords } = await languages[name].stopwords();
    await nextSlice();
    for (const word of [...stopwords, ...(forgotten[name] ?? [])].flatMap((entry) => readWords(entry).spaced)) {
      votes.set(word, (votes.get(word) ?? 0) | (1 << index));
    }
  }
  return votes;
}

function languageOf(votes: Votes, words: readonly string[], fallback: Language): Language {
  const tally = names.map(() => 0);
  for (const word of words.slice(0, WORDS_ASKED)) {
    const bits = votes.get(word) ?? 0;
    for (let rest = bits; rest !== 0; rest &= rest - 1) {
      const index = 31 - Math.clz32(rest & -rest);
      tally[index] = (tally[index] ?? 0) + 1;
    }
  }
  const most = Math.max(...tally);
  const expected = tally[names.indexOf(fallback)] ?? 0;
  return most > expected * CERTAIN ? (names[tally.indexOf(most)] ?? fallback) : fallback;
}

/** Words repeat, and a stemmer is the most expensive part of reading one. */
function remembering(stemmer: Stemmer): Stemmer {
  const stems = new Map<string, string>();
  return (word) => {
    const known = stems.get(word);
    if (known !== undefined) return known;
    if (stems.size >= MAX_STEMS) stems.clear();
    const stem = stemmer(word);
    stems.set(word, stem);
    return stem;
  };
}
