import { CLOSING_TOKENS } from "../history/history-strategy.ts";
import type { StableFront } from "../session/session-head.ts";
import { inputCost } from "../tokens/cost.ts";
import { type BillParts, hitsOf, ratioOf, repeatedShare, sharedTokens, type TurnBill } from "./bill-turn.ts";
import type { TurnPlan } from "./plan-turn.ts";

interface ObservedParts extends BillParts {
  readonly plan: BillParts["plan"] & Pick<TurnPlan, "originalTokens" | "redactions" | "recall">;
}

/**
 * The bill of a turn that was forwarded as it came: it saved nothing. Beside it stands what the planned prompt would have
 * saved, had its front been found in the prompt cache as well as the front of the real one was.
 */
export function billObserved(parts: ObservedParts): TurnBill {
  const { plan, model, usage, price } = parts;
  const billedRatio = ratioOf(plan.originalTokens, usage) ?? plan.session?.head.billing?.billedRatio ?? 1;
  const sentTokens = usage?.promptTokens ?? Math.round(plan.originalTokens * billedRatio);
  const unsent = Math.round((plan.fullTokens - plan.originalTokens) * billedRatio);
  const baselineTokens = Math.max(0, sentTokens + unsent);
  // A client that sends only what is new repeats nothing but its front, which tells nothing of the cache.
  const shared = plan.mode === "delta" ? 0 : sharedTokens(parts, { baselineTokens: sentTokens, billedRatio });
  const hits = hitsOf(parts, shared);
  const cachedTokens = usage?.cachedTokens ?? Math.round(hits.here * shared);
  const written = usage?.cacheWriteTokens ?? 0;
  const wouldTokens = Math.round(plan.sentTokens * billedRatio);
  const wouldCached = Math.round(hits.here * repeatedShare(parts, billedRatio));
  const usd = price && inputCost(price, { tokens: sentTokens, cached: cachedTokens, written });
  const wouldWrite = written > 0 ? wouldTokens - wouldCached : 0;
  const would = price && inputCost(price, { tokens: wouldTokens, cached: wouldCached, written: wouldWrite });
  return {
    figures: {
      model,
      strategy: plan.strategy,
      mode: plan.mode,
      sentTokens,
      cachedTokens,
      completionTokens: usage?.completionTokens ?? 0,
      baselineTokens: sentTokens,
      baselineCachedTokens: cachedTokens,
      usd: usd === undefined ? undefined : { sent: usd, baseline: usd },
    },
    billing: {
      model,
      baselineTokens,
      frontTokens: plan.frontTokens,
      billedRatio,
      stable: wholePrompt(plan),
      hitRate: hits.next,
      lastHit: hits.last,
    },
    savedUsd: 0,
    observed: {
      tokens: sentTokens - wouldTokens,
      usd: usd === undefined || would === undefined ? undefined : usd - would,
    },
  };
}

/** The next prompt begins with all of this one, unless notes would have stood at its end. */
const wholePrompt = ({ stable, sentTokens, redactions, recall }: ObservedParts["plan"]): StableFront =>
  redactions > 0 || recall?.text ? stable : { ...stable, tokens: sentTokens - CLOSING_TOKENS };
