import type { HistoryMessage } from "./history-strategy.ts";
import { sumTokens } from "./prompt-size.ts";

/** What one summary reads of turns; more of a single turn is shortened where it is quoted. */
const MAX_READ_TOKENS = 32_000;

/**
 * How many of the turns, given as they are stored, one summary reads: at least the first. The others are for the next
 * one, after the next request. It ends before a user's message where it can, so that a cut may fall there.
 */
export function summaryReach(turns: readonly (readonly HistoryMessage[])[]): number {
  let tokens = 0;
  let count = 0;
  while (count < turns.length && (count === 0 || tokens + sumTokens(turns[count] ?? []) <= MAX_READ_TOKENS)) {
    tokens += sumTokens(turns[count] ?? []);
    count += 1;
  }
  if (count === turns.length) return count;
  const beforeUser = turns.findLastIndex((messages, turn) => turn > 0 && turn <= count && messages[0]?.role === "user");
  return beforeUser > 0 ? beforeUser : count;
}
