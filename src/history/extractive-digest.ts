import { rankSentences } from "./rank-sentences.ts";
import { readSentences, type Sentence, splitSentences } from "./read-sentences.ts";
import type { SummaryJob } from "./summariser.ts";

/** Characters of a previous summary that are looked at: more than any budget of tokens holds. */
const MAX_PREVIOUS_CHARACTERS = 32_000;
/** A sentence that does not fit is passed over; so many may be, before what is left of the budget is left. */
const MAX_MISSES = 24;

/**
 * A digest without a model: the most telling lines of the previous summary and of the turns, in their order. The summary
 * may need half the budget and what the turns leave. The same job gives the same text; the work is bounded whatever the
 * turns hold, and the text counts at most `maxTokens`.
 */
export function createExtractiveDigest(job: Omit<SummaryJob, "fromTurn">, countText: (text: string) => number): string {
  const { turns, previous, maxTokens } = job;
  const costOf = (line: string): number => countText(`${line}\n`);
  const before = readLines(previous?.text ?? "");
  const sentences = readSentences(turns);
  const beforeTokens = pick(before, maxTokens / 2, costOf).tokens;
  const fresh = pick(sentences, maxTokens - beforeTokens, costOf);
  const kept = pick(before, maxTokens - fresh.tokens, costOf);
  const lines = [...kept.lines, ...fresh.lines];
  // Tokens of a text are not quite the sum of its lines'.
  while (lines.length > 0 && countText(lines.join("\n")) > maxTokens) lines.shift();
  return lines.join("\n");
}

interface Lines {
  /** In the order of the sentences they were picked from. */
  readonly lines: string[];
  readonly tokens: number;
}

/** A model may write one long paragraph: it is picked by the sentence, not as a whole. */
function readLines(text: string): Sentence[] {
  return text
    .slice(-MAX_PREVIOUS_CHARACTERS)
    .split("\n")
    .flatMap((line) => (line.length > 240 ? splitSentences(line) : line.trim() || []))
    .map((line) => ({ line, text: line.replace(/^(?:User|Assistant|Tool): /, ""), role: "assistant", opens: false }));
}

function pick(sentences: readonly Sentence[], maxTokens: number, costOf: (line: string) => number): Lines {
  const picked: number[] = [];
  let tokens = 0;
  let misses = 0;
  for (const index of rankSentences(sentences)) {
    if (misses >= MAX_MISSES) break;
    const cost = costOf(sentences[index]?.line ?? "");
    if (tokens + cost > maxTokens) {
      misses += 1;
      continue;
    }
    tokens += cost;
    picked.push(index);
  }
  const inOrder = picked.toSorted((left, right) => left - right);
  return { lines: inOrder.map((index) => sentences[index]?.line ?? ""), tokens };
}
