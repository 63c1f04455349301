import { createExtractiveDigest } from "../history/extractive-digest.ts";
import { CLOSING_TOKENS } from "../history/history-strategy.ts";
import type { SummaryJob, SummaryResult } from "../history/summariser.ts";
import type { TokenCounter } from "../tokens/token-counter.ts";
import { createSummaryPrompt } from "../upstream/summary-prompt.ts";

/** As long as any, and the same each time. */
const MARK = "0".repeat(16);

/** What a model would be billed for a summary: the prompt it would get, and an answer as long as an extract of the same. */
export function standInSummary(job: SummaryJob, model: string, counter: TokenCounter): SummaryResult | undefined {
  const text = createExtractiveDigest(job, (part) => counter.countText(part));
  if (text === "") return undefined;
  const { system, user } = createSummaryPrompt(job, MARK);
  const promptTokens =
    counter.countMessage({ role: "system", content: system }) +
    counter.countMessage({ role: "user", content: user }) +
    CLOSING_TOKENS;
  return { text, model, promptTokens, cachedTokens: 0, completionTokens: counter.countText(text) };
}
