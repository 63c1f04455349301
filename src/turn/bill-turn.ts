import { CLOSING_TOKENS } from "../history/history-strategy.ts";
import type { Usage } from "../protocol/chat-message.ts";
import type { BillingState, SessionHead } from "../session/session-head.ts";
import type { TurnFigures } from "../telemetry/turn-meter.ts";
import { inputCost, replayCachedTokens } from "../tokens/cost.ts";
import type { ModelPrice, PromptCache } from "../tokens/price-list.ts";
import { hitRateOf, nextHitRate, observedHitRate } from "./cache-calibration.ts";
import type { TurnPlan } from "./plan-turn.ts";

/** What a bill reads of a plan. */
type BilledPlan = Pick<
  TurnPlan,
  "mode" | "strategy" | "sentTokens" | "fullTokens" | "frontTokens" | "keptTokens" | "stable" | "repeatedTokens"
> & {
  readonly session: { readonly head: Pick<SessionHead, "billing" | "lastAskedAt"> } | undefined;
};

export interface BillParts {
  readonly plan: BilledPlan;
  readonly model: string;
  /** `undefined` when the provider did not say: counts stand in. */
  readonly usage: Usage | undefined;
  readonly price: ModelPrice | undefined;
  readonly promptCache: PromptCache;
  readonly now: number;
}

export interface TurnBill {
  readonly figures: TurnFigures;
  readonly billing: BillingState;
  /** Signed; 0 for a model without a price. */
  readonly savedUsd: number;
  /** What an observed turn would have saved, signed; `undefined` where turns are managed. */
  readonly observed?: { readonly tokens: number; readonly usd: number | undefined };
}

/** A ratio beyond these says that the usage speaks of something else than this prompt. */
const MIN_RATIO = 0.3;
const MAX_RATIO = 3;

/**
 * What a turn cost, and what a full replay of it would have cost under the same prompt cache: the front it shares with
 * the full replay of the request before would have been cached, had that request come within the cache's life.
 */
export function billTurn(parts: BillParts): TurnBill {
  const { plan, model, usage, price } = parts;
  const held = plan.session?.head.billing;
  const billedRatio = ratioOf(plan.sentTokens, usage) ?? held?.billedRatio ?? 1;
  const sentTokens = usage?.promptTokens ?? Math.round(plan.sentTokens * billedRatio);
  const unsent = Math.round((plan.fullTokens - plan.sentTokens) * billedRatio);
  const baselineTokens = Math.max(0, sentTokens + unsent);
  const repeated = repeatedShare(parts, billedRatio);
  const hits = hitsOf(parts, repeated);
  const baselineCachedTokens = Math.round(hits.here * sharedTokens(parts, { baselineTokens, billedRatio }));
  // Without a bill the same is taken for both sides: what of each was sent before was cached as it lately was.
  const cached = usage?.cachedTokens ?? Math.round(hits.here * repeated);
  const sent = { tokens: sentTokens, cached, written: usage?.cacheWriteTokens ?? 0 };
  const baseline = {
    tokens: baselineTokens,
    cached: baselineCachedTokens,
    // A full replay writes what it does not read, wherever this provider bills writes at all.
    written: sent.written > 0 ? baselineTokens - baselineCachedTokens : 0,
  };
  const usd = price && { sent: inputCost(price, sent), baseline: inputCost(price, baseline) };
  return {
    figures: {
      model,
      strategy: plan.strategy,
      mode: plan.mode,
      sentTokens,
      cachedTokens: sent.cached,
      completionTokens: usage?.completionTokens ?? 0,
      baselineTokens,
      baselineCachedTokens,
      usd,
    },
    billing: {
      model,
      baselineTokens,
      frontTokens: plan.frontTokens,
      billedRatio,
      stable: plan.stable,
      hitRate: hits.next,
      lastHit: hits.last,
    },
    savedUsd: usd ? usd.baseline - usd.sent : 0,
  };
}

export function ratioOf(sentTokens: number, usage: Usage | undefined): number | undefined {
  if (!usage || sentTokens === 0 || usage.promptTokens === 0) return undefined;
  return Math.min(MAX_RATIO, Math.max(MIN_RATIO, usage.promptTokens / sentTokens));
}

interface HitRates {
  readonly here: number;
  readonly last: number | undefined;
  readonly next: number;
}

/** Of the planned prompt, what should be cached because the one before began with it. */
export function repeatedShare(parts: BillParts, billedRatio: number): number {
  return warmBilling(parts) ? replayCachedTokens(parts.plan.repeatedTokens * billedRatio, parts.promptCache) : 0;
}

/** What the provider made of our own prompt it would have made of a full replay: a cache that fails us would fail it too. */
export function hitsOf({ plan, model, usage }: BillParts, expected: number): HitRates {
  const billing = plan.session?.head.billing;
  const rate = hitRateOf(billing, model);
  const lastHit = billing?.model === model ? billing.lastHit : undefined;
  if (!usage) return { here: lastHit ?? 1, last: lastHit, next: rate };
  const observed = observedHitRate(expected, usage.cachedTokens);
  const last = observed ?? lastHit;
  return { here: last ?? 1, last, next: nextHitRate(rate, observed) };
}

/** The last request's, where the provider may still hold its prompt. */
function warmBilling({ plan, model, promptCache, now }: BillParts): BillingState | undefined {
  const head = plan.session?.head;
  if (head?.billing?.model !== model || head.billing.frontTokens !== plan.frontTokens) return undefined;
  if (head.lastAskedAt === undefined || now - head.lastAskedAt > promptCache.ttlSeconds * 1000) return undefined;
  return head.billing;
}

export function sharedTokens(
  parts: BillParts,
  { baselineTokens, billedRatio }: { baselineTokens: number; billedRatio: number },
): number {
  const { plan, promptCache } = parts;
  const before = warmBilling(parts);
  if (!before) return 0;
  const shared =
    plan.mode === "edited"
      ? Math.round((plan.frontTokens + plan.keptTokens) * billedRatio)
      : before.baselineTokens - CLOSING_TOKENS;
  return replayCachedTokens(Math.min(shared, baselineTokens - CLOSING_TOKENS), promptCache);
}
