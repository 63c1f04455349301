import type { Sentence } from "./read-sentences.ts";

const roleWeights: Readonly<Record<string, number>> = { user: 1.25, assistant: 1, tool: 0.7 };

/** What a later turn cannot guess: each kind found adds to a sentence. */
const tellingMarks: readonly RegExp[] = [
  /\p{N}/u,
  // Names: a capital inside a sentence.
  /[\p{Ll},;:] \p{Lu}\p{L}/u,
  // Identifiers, addresses, code, placeholders of withheld values.
  /[a-z][A-Z]|\w_\w|\w-\d|:\/\/|\/\w+\/|\w@\w|`|\[[A-Z]+_[0-9a-f]{8}\]/,
  // Decisions, facts about the speaker, dates.
  /\b(?:decid|agree|chose|choose|must|never|always|prefer|remember|deadline|my name|call me|i am|i'm|we will|plan to|because|instead|due|monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|march|april|may|june|july|august|september|october|november|december)/i,
];
const MARK_WEIGHT = 1;
const OPENING_WEIGHT = 1.5;

/** Positions of the sentences, the most informative first; among equals the later one. */
export function rankSentences(sentences: readonly Sentence[]): number[] {
  const terms = sentences.map(({ text }) => new Set(text.toLowerCase().match(/[\p{L}\p{N}_]{3,}/gu)));
  const spread = new Map<string, number>();
  for (const set of terms) for (const term of set) spread.set(term, (spread.get(term) ?? 0) + 1);
  const rarity = (term: string): number => Math.log1p(sentences.length / (spread.get(term) ?? 1));
  const scores = sentences.map(({ text, role, opens }, index) => {
    const set = terms[index] ?? new Set<string>();
    let rare = 0;
    for (const term of set) rare += rarity(term);
    const marks = tellingMarks.filter((mark) => mark.test(text)).length * MARK_WEIGHT;
    const opening = opens && role === "user" ? OPENING_WEIGHT : 0;
    // The mean, drawn to 0 for the shortest: "Yes." is rare too.
    return (rare / (set.size + 2) + marks + opening) * (roleWeights[role] ?? 1);
  });
  return [...sentences.keys()].sort((left, right) => (scores[right] ?? 0) - (scores[left] ?? 0) || right - left);
}
