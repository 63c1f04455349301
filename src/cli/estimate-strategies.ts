import type { HistoryKnobs, StrategyName } from "../history/history-strategy.ts";
import { strategyFor } from "../history/strategy-registry.ts";
import type { PriceList, PromptCache } from "../tokens/price-list.ts";
import type { TokenCounter } from "../tokens/token-counter.ts";
import { type Conversation, type PlayedTurn, type PlayOptions, playConversation } from "../turn/play-conversation.ts";
import { openPlayedRecall } from "../turn/play-recall.ts";
import { standInSummary } from "./stand-in-summary.ts";

/** What one strategy makes of all conversations together. */
export interface StrategyEstimate {
  readonly strategy: StrategyName;
  /** Who wrote the summaries that were needed. */
  readonly summaries: "model" | "extractive" | "none";
  readonly turns: number;
  readonly compactions: number;
  readonly sent: InputFigures;
  /** A full replay under the same prompt cache. */
  readonly baseline: InputFigures;
  /** The gateway's own model calls, output included. */
  readonly overhead: { readonly tokens: number; readonly usd: number };
}

interface InputFigures {
  readonly tokens: number;
  readonly cachedTokens: number;
  /** 0 for a model without a price. */
  readonly usd: number;
}

export interface EstimateOptions {
  readonly strategies: readonly StrategyName[];
  /** With the cap that holds for the model. */
  readonly knobs: HistoryKnobs;
  /** Of old remarks that a message asks for. */
  readonly recallTokens: number;
  readonly model: string;
  readonly summaryModel: string;
  readonly counter: TokenCounter;
  readonly prices: PriceList;
  readonly promptCache: PromptCache;
}

/** A strategy whose summaries a model would be paid for is shown without one as well. */
export async function estimateStrategies(
  conversations: readonly Conversation[],
  options: EstimateOptions,
): Promise<StrategyEstimate[]> {
  const { ttlSeconds } = options.promptCache;
  const recalling = conversations.map(async (conversation): Promise<PlayedConversation> => {
    const recallOptions = { maxTokens: options.recallTokens, episodeGapMs: ttlSeconds * 1000 };
    return { conversation, recall: await openPlayedRecall(conversation, recallOptions) };
  });
  const played = await Promise.all(recalling);
  return options.strategies.flatMap((strategy) => {
    const configured = estimateOne(played, strategy, options);
    if (configured.overhead.tokens === 0) return [configured];
    const knobs = { ...options.knobs, summaryMode: "extractive" as const };
    return [configured, estimateOne(played, strategy, { ...options, knobs })];
  });
}

interface PlayedConversation {
  readonly conversation: Conversation;
  readonly recall: NonNullable<PlayOptions["recall"]>;
}

function estimateOne(
  conversations: readonly PlayedConversation[],
  strategy: StrategyName,
  { knobs, model, summaryModel, counter, prices, promptCache }: EstimateOptions,
): StrategyEstimate {
  const play = ({ conversation, recall }: PlayedConversation) =>
    playConversation(conversation, {
      strategy: strategyFor(strategy),
      knobs,
      model,
      prices,
      promptCache,
      countText: (text) => counter.countText(text),
      recall,
      summarise: (job) => standInSummary(job, summaryModel, counter),
    });
  let estimate = nothing(strategy);
  for (const conversation of conversations) for (const turn of play(conversation)) estimate = withTurn(estimate, turn);
  return estimate;
}

const nothing = (strategy: StrategyName): StrategyEstimate => ({
  strategy,
  summaries: "none",
  turns: 0,
  compactions: 0,
  sent: { tokens: 0, cachedTokens: 0, usd: 0 },
  baseline: { tokens: 0, cachedTokens: 0, usd: 0 },
  overhead: { tokens: 0, usd: 0 },
});

function withTurn(estimate: StrategyEstimate, { figures, selection, overhead }: PlayedTurn): StrategyEstimate {
  const { sent, baseline } = estimate;
  return {
    strategy: estimate.strategy,
    summaries: overhead
      ? "model"
      : estimate.summaries === "none" && selection.digest
        ? "extractive"
        : estimate.summaries,
    turns: estimate.turns + 1,
    compactions: estimate.compactions + (selection.cut ? 1 : 0),
    sent: {
      tokens: sent.tokens + figures.sentTokens,
      cachedTokens: sent.cachedTokens + figures.cachedTokens,
      usd: sent.usd + (figures.usd?.sent ?? 0),
    },
    baseline: {
      tokens: baseline.tokens + figures.baselineTokens,
      cachedTokens: baseline.cachedTokens + figures.baselineCachedTokens,
      usd: baseline.usd + (figures.usd?.baseline ?? 0),
    },
    overhead: {
      tokens: estimate.overhead.tokens + (overhead?.tokens ?? 0),
      usd: estimate.overhead.usd + (overhead?.usd ?? 0),
    },
  };
}
