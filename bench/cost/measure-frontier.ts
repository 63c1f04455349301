import type { HistoryStrategy } from "../../src/history/history-strategy.ts";
import { strategyFor } from "../../src/history/strategy-registry.ts";
import type { TokenCounter } from "../../src/tokens/token-counter.ts";
import { readConversations } from "../recall/conversations.ts";
import { askedConversation, contextsOf, playToEnd, recallFor, shareOf, type Way } from "../recall/played-context.ts";
import { slidingWindow } from "./fixed-strategies.ts";
import { knobsOf } from "./play-policies.ts";
import type { PriceProfile } from "./price-profiles.ts";

/** What a way to send history costs, and what of the past a question finds in the prompt. */
export interface FrontierPoint {
  readonly name: string;
  /** Input and summaries, by conversation. */
  readonly usd: number;
  /** Share of the evidence remarks that stand word for word in the prompt of a question at the end. */
  readonly recall: number;
}

/** Tokens of recalled text: the default of `history.recall.maxTokens`. */
const RECALL_TOKENS = 2_000;

const wayOf = (name: string, strategy: HistoryStrategy, floorTokens: number): Way => ({
  name,
  strategy,
  knobs: { ...knobsOf("extractive", floorTokens), keepTurns: 5, summaryKeepTurns: 5, windowTurns: 10 },
});

const ways: readonly Way[] = [
  wayOf("full replay", strategyFor("full"), 0),
  ...[2_000, 4_000, 8_000].map((tokens) => wayOf(`sliding ${tokens / 1_000}k`, slidingWindow(tokens), tokens)),
  ...(["window", "summary", "semantic", "hybrid"] as const).map((name) => wayOf(name, strategyFor(name), 2_000)),
];

/** Plays every conversation of a LoCoMo-shaped file, and asks its questions at the end. Summaries are extracts. */
export async function measureFrontier(
  file: string,
  { counter, profile }: { counter: TokenCounter; profile: PriceProfile },
): Promise<FrontierPoint[]> {
  const conversations = readConversations(file);
  const sums = ways.map((way) => ({ way, usd: 0, found: 0, questions: 0 }));
  for (const said of conversations) {
    const asked = askedConversation(said, { counter, showNames: true });
    const recall = await recallFor(asked, RECALL_TOKENS);
    for (const sum of sums) {
      const { usd, view } = playToEnd(asked, sum.way, { counter, profile, recall, afterMs: 0 });
      const contextOf = contextsOf(view, sum.way, recall);
      sum.usd += usd;
      for (const question of asked.questions) sum.found += shareOf(question.evidence, contextOf(question).text);
      sum.questions += asked.questions.length;
    }
  }
  return sums.map(({ way: { name }, usd, found, questions }) => ({
    name,
    usd: usd / conversations.length,
    recall: found / questions,
  }));
}
