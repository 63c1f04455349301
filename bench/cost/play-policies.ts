import type { HistoryKnobs, HistoryStrategy } from "../../src/history/history-strategy.ts";
import { strategyFor } from "../../src/history/strategy-registry.ts";
import type { SummaryJob, SummaryResult } from "../../src/history/summariser.ts";
import type { ModelPrice } from "../../src/tokens/price-list.ts";
import { type Conversation, playConversation } from "../../src/turn/play-conversation.ts";
import { createSummaryPrompt } from "../../src/upstream/summary-prompt.ts";
import { clairvoyantCuts } from "./clairvoyant.ts";
import { schedule, slidingWindow, watermarks } from "./fixed-strategies.ts";
import type { PriceProfile } from "./price-profiles.ts";

/** What conversations were billed, together. */
export interface Bill {
  readonly inputUsd: number;
  readonly outputUsd: number;
  /** Of summaries. */
  readonly overheadUsd: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly cuts: number;
}

export interface Play {
  readonly conversation: Conversation;
  readonly profile: PriceProfile;
  /** Tokens of recent history that every policy always holds. */
  readonly floorTokens: number;
  readonly countText: (text: string) => number;
}

interface Policy {
  readonly name: string;
  strategy(play: Play): HistoryStrategy;
  readonly summaryMode: HistoryKnobs["summaryMode"];
  /** The sliding window gains nothing from the cache, so it is not charged for writing to it. */
  readonly writesAreFree?: true;
}

const SUMMARY_TOKENS = 500;
const ours = (): HistoryStrategy => strategyFor("summary");

export const policies = [
  { name: "full replay", strategy: () => strategyFor("full"), summaryMode: "off" },
  {
    name: "sliding",
    strategy: ({ floorTokens }) => slidingWindow(floorTokens),
    summaryMode: "off",
    writesAreFree: true,
  },
  { name: "fixed ×1.5", strategy: ({ floorTokens }) => watermarks(1.5 * floorTokens, floorTokens), summaryMode: "off" },
  { name: "fixed ×2", strategy: ({ floorTokens }) => watermarks(2 * floorTokens, floorTokens), summaryMode: "off" },
  { name: "ledger", strategy: ours, summaryMode: "off" },
  {
    name: "clairvoyant",
    strategy: ({ conversation, profile, floorTokens }) =>
      schedule(clairvoyantCuts(conversation, profile, floorTokens), floorTokens),
    summaryMode: "off",
  },
  { name: "ledger + extract", strategy: ours, summaryMode: "extractive" },
  { name: "ledger + model's summary", strategy: ours, summaryMode: "model" },
] as const satisfies readonly Policy[];
export type PolicyName = (typeof policies)[number]["name"];

/** Plays a conversation through the gateway's own engine, under this policy. */
export function playPolicy(name: PolicyName, play: Play): Bill {
  const policy: Policy = policies.find((one) => one.name === name) ?? policies[0];
  const { price, promptCache } = play.profile;
  const billed: ModelPrice = policy.writesAreFree ? { ...price, cacheWrite: price.input } : price;
  const played = playConversation(play.conversation, {
    strategy: policy.strategy(play),
    knobs: knobsOf(policy.summaryMode, play.floorTokens),
    model: play.profile.name,
    prices: { priceOf: () => billed },
    promptCache,
    countText: play.countText,
    summarise: (job) => summaryOf(job, play),
  });
  let bill = nothing;
  for (const { figures, overhead, selection } of played) {
    bill = addBills(bill, {
      inputUsd: figures.usd?.sent ?? 0,
      outputUsd: figures.completionTokens * price.output,
      overheadUsd: overhead?.usd ?? 0,
      promptTokens: figures.sentTokens,
      cachedTokens: figures.cachedTokens,
      cuts: selection.cut ? 1 : 0,
    });
  }
  return bill;
}

export const nothing: Bill = {
  inputUsd: 0,
  outputUsd: 0,
  overheadUsd: 0,
  promptTokens: 0,
  cachedTokens: 0,
  cuts: 0,
};

export const addBills = (left: Bill, right: Bill): Bill => ({
  inputUsd: left.inputUsd + right.inputUsd,
  outputUsd: left.outputUsd + right.outputUsd,
  overheadUsd: left.overheadUsd + right.overheadUsd,
  promptTokens: left.promptTokens + right.promptTokens,
  cachedTokens: left.cachedTokens + right.cachedTokens,
  cuts: left.cuts + right.cuts,
});

export const knobsOf = (summaryMode: HistoryKnobs["summaryMode"], floorTokens: number): HistoryKnobs => ({
  windowTurns: 1,
  windowTokens: 0,
  keepTurns: 1,
  summaryKeepTurns: 1,
  floorTokens,
  maxTokens: Infinity,
  exact: false,
  summaryMode,
  summaryTokens: SUMMARY_TOKENS,
  summaryRole: "user",
  aging: { enabled: false, toolResults: 0, images: 0, excludeTools: [] },
});

/** The prompt that a model would get, and an answer as long as it may be. */
function summaryOf(job: SummaryJob, { profile, countText }: Play): SummaryResult {
  const { system, user } = createSummaryPrompt(job, "0".repeat(16));
  const text = "Of this much was said before. ".repeat(SUMMARY_TOKENS);
  return {
    text: text.slice(0, longestFitting(text, countText)),
    model: profile.name,
    promptTokens: countText(system) + countText(user),
    cachedTokens: 0,
    completionTokens: SUMMARY_TOKENS,
  };
}

function longestFitting(text: string, countText: (text: string) => number): number {
  let length = text.length;
  while (countText(text.slice(0, length)) > SUMMARY_TOKENS) length = Math.floor(length * 0.95);
  return length;
}
