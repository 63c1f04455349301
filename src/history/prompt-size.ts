import { CLOSING_TOKENS, type HistoryMessage, type HistoryView } from "./history-strategy.ts";

/**
 * OpenAI caches no front shorter than this, others none shorter than 512 to 4,096
 * (platform.openai.com/docs/guides/prompt-caching).
 */
const SHORTEST_CACHED_FRONT = 1024;

export function sumTokens(messages: readonly Pick<HistoryMessage, "tokens">[]): number {
  let sum = 0;
  for (const { tokens } of messages) sum += tokens;
  return sum;
}

/** Tokens in front of the history: they stay where they are when turns are cut. */
export const frontTokens = (view: HistoryView): number => view.envelopeTokens + sumTokens(view.system);

/** Of the front, what a cut makes the provider read anew: nothing, unless it is too short to be cached by itself. */
export function rereadFrontTokens(view: HistoryView): number {
  const tokens = frontTokens(view);
  return tokens < SHORTEST_CACHED_FRONT ? tokens : 0;
}

/** Tokens of the prompt besides history and summary, with room for the note on withheld values where it may be needed. */
export function fixedTokens(view: HistoryView): number {
  const inFront = hasPlaceholders(view.system) || hasPlaceholders(view.incoming);
  const withheld = inFront || view.turns.some(({ messages }) => hasPlaceholders(messages));
  const note = withheld ? view.countText(`\n\n${view.note}`) : 0;
  return frontTokens(view) + sumTokens(view.incoming) + CLOSING_TOKENS + note;
}

function hasPlaceholders(messages: readonly HistoryMessage[]): boolean {
  for (const { redactions } of messages) if (redactions > 0) return true;
  return false;
}
