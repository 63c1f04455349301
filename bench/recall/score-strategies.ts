import type { HistoryKnobs, StrategyName } from "../../src/history/history-strategy.ts";
import { strategyFor } from "../../src/history/strategy-registry.ts";
import type { TokenCounter } from "../../src/tokens/token-counter.ts";
import { knobsOf } from "../cost/play-policies.ts";
import { type PriceProfile, priceProfiles } from "../cost/price-profiles.ts";
import type { Conversation } from "./conversations.ts";
import {
  type AskedConversation,
  askedConversation,
  contextsOf,
  playToEnd,
  recallFor,
  shareOf,
} from "./played-context.ts";
import { budgets } from "./score-methods.ts";
import { createTally, type Scores } from "./tally.ts";

/** What of a budget of tokens goes to the newest turns, to the summary and to what is recalled. */
export interface Shares {
  readonly newest: number;
  readonly summary: number;
  readonly recalled: number;
}

export const shares: Readonly<Record<StrategyName, Shares>> = {
  full: { newest: 1, summary: 0, recalled: 0 },
  window: { newest: 1, summary: 0, recalled: 0 },
  summary: { newest: 1 / 2, summary: 1 / 2, recalled: 0 },
  semantic: { newest: 1 / 4, summary: 0, recalled: 3 / 4 },
  hybrid: { newest: 1 / 4, summary: 1 / 4, recalled: 1 / 2 },
};

export interface StrategyScores {
  /** The share of the evidence that the context holds. */
  readonly found: Scores;
  /** Tokens of the past that it holds. */
  readonly tokens: Scores;
}

/** Questions are asked the day after, when a cold cache has let every strategy cut down to what it is to keep. */
const AFTER_MS = 86_400_000;

/** Plays the conversations under every strategy with every budget, and asks their questions at the end. */
export async function scoreStrategies(
  conversations: readonly Conversation[],
  parts: { counter: TokenCounter; showNames: boolean },
): Promise<StrategyScores> {
  const [found, tokens] = [createTally(), createTally()];
  const [profile] = priceProfiles.filter(({ name }) => name === "gpt-5") as [PriceProfile];
  for (const said of conversations) {
    const asked = askedConversation(said, parts);
    for (const name of Object.keys(shares) as StrategyName[]) {
      const ask = await Promise.all(budgets.map((budget) => askerOf(asked, name, { budget, profile, ...parts })));
      for (const question of asked.questions) {
        const contexts = ask.map((contextOf) => contextOf(question));
        found.add(
          name,
          question.category,
          contexts.map(({ text }) => shareOf(question.evidence, text)),
        );
        tokens.add(
          name,
          question.category,
          contexts.map((context) => context.tokens),
        );
      }
    }
  }
  return { found: found.scores(), tokens: tokens.scores() };
}

async function askerOf(
  asked: AskedConversation,
  name: StrategyName,
  { budget, profile, counter }: { budget: number; profile: PriceProfile; counter: TokenCounter },
) {
  const { newest, summary, recalled } = shares[name];
  const knobs: HistoryKnobs = {
    ...knobsOf("extractive", budget * newest),
    windowTokens: budget * newest,
    summaryTokens: budget * summary,
  };
  const way = { name, strategy: strategyFor(name), knobs };
  const recall = await recallFor(asked, budget * recalled);
  return contextsOf(playToEnd(asked, way, { counter, profile, recall, afterMs: AFTER_MS }).view, way, recall);
}
