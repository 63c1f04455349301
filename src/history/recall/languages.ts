/** One language of the library: its stopwords, by which a text is known, and its stemmer, loaded when it is met. */
interface LanguageFiles {
  readonly stopwords: () => Promise<{ readonly stopwords: readonly string[] }>;
  readonly stemmer: () => Promise<{ readonly stemmer: (word: string) => string }>;
}

/** The more widely spoken first: it is taken where a text may be of several. */
export const languages = {
  english: {
    stopwords: () => import("@orama/stopwords/english"),
    stemmer: () => import("@orama/stemmers/english"),
  },
  spanish: {
    stopwords: () => import("@orama/stopwords/spanish"),
    stemmer: () => import("@orama/stemmers/spanish"),
  },
  german: {
    stopwords: () => import("@orama/stopwords/german"),
    stemmer: () => import("@orama/stemmers/german"),
  },
  french: {
    stopwords: () => import("@orama/stopwords/french"),
    stemmer: () => import("@orama/stemmers/french"),
  },
  portuguese: {
    stopwords: () => import("@orama/stopwords/portuguese"),
    stemmer: () => import("@orama/stemmers/portuguese"),
  },
  italian: {
    stopwords: () => import("@orama/stopwords/italian"),
    stemmer: () => import("@orama/stemmers/italian"),
  },
  russian: {
    stopwords: () => import("@orama/stopwords/russian"),
    stemmer: () => import("@orama/stemmers/russian"),
  },
  dutch: {
    stopwords: () => import("@orama/stopwords/dutch"),
    stemmer: () => import("@orama/stemmers/dutch"),
  },
  turkish: {
    stopwords: () => import("@orama/stopwords/turkish"),
    stemmer: () => import("@orama/stemmers/turkish"),
  },
  indonesian: {
    stopwords: () => import("@orama/stopwords/indonesian"),
    stemmer: () => import("@orama/stemmers/indonesian"),
  },
  indian: {
    stopwords: () => import("@orama/stopwords/indian"),
    stemmer: () => import("@orama/stemmers/indian"),
  },
  arabic: {
    stopwords: () => import("@orama/stopwords/arabic"),
    stemmer: () => import("@orama/stemmers/arabic"),
  },
  swedish: {
    stopwords: () => import("@orama/stopwords/swedish"),
    stemmer: () => import("@orama/stemmers/swedish"),
  },
  danish: {
    stopwords: () => import("@orama/stopwords/danish"),
    stemmer: () => import("@orama/stemmers/danish"),
  },
  norwegian: {
    stopwords: () => import("@orama/stopwords/norwegian"),
    stemmer: () => import("@orama/stemmers/norwegian"),
  },
  finnish: {
    stopwords: () => import("@orama/stopwords/finnish"),
    stemmer: () => import("@orama/stemmers/finnish"),
  },
  ukrainian: {
    stopwords: () => import("@orama/stopwords/ukrainian"),
    stemmer: () => import("@orama/stemmers/ukrainian"),
  },
  romanian: {
    stopwords: () => import("@orama/stopwords/romanian"),
    stemmer: () => import("@orama/stemmers/romanian"),
  },
  hungarian: {
    stopwords: () => import("@orama/stopwords/hungarian"),
    stemmer: () => import("@orama/stemmers/hungarian"),
  },
  greek: {
    stopwords: () => import("@orama/stopwords/greek"),
    stemmer: () => import("@orama/stemmers/greek"),
  },
  bulgarian: {
    stopwords: () => import("@orama/stopwords/bulgarian"),
    stemmer: () => import("@orama/stemmers/bulgarian"),
  },
  serbian: {
    stopwords: () => import("@orama/stopwords/serbian"),
    stemmer: () => import("@orama/stemmers/serbian"),
  },
  lithuanian: {
    stopwords: () => import("@orama/stopwords/lithuanian"),
    stemmer: () => import("@orama/stemmers/lithuanian"),
  },
  irish: {
    stopwords: () => import("@orama/stopwords/irish"),
    stemmer: () => import("@orama/stemmers/irish"),
  },
  tamil: {
    stopwords: () => import("@orama/stopwords/tamil"),
    stemmer: () => import("@orama/stemmers/tamil"),
  },
  nepali: {
    stopwords: () => import("@orama/stopwords/nepali"),
    stemmer: () => import("@orama/stemmers/nepali"),
  },
  armenian: {
    stopwords: () => import("@orama/stopwords/armenian"),
    stemmer: () => import("@orama/stemmers/armenian"),
  },
  sanskrit: {
    stopwords: () => import("@orama/stopwords/sanskrit"),
    stemmer: () => import("@orama/stemmers/sanskrit"),
  },
} as const satisfies Readonly<Record<string, LanguageFiles>>;

export type Language = keyof typeof languages;
