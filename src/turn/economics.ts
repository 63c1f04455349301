import type { Economics, HistoryKnobs } from "../history/history-strategy.ts";
import type { JsonObject } from "../protocol/json-object.ts";
import type { ModelPrice } from "../tokens/price-list.ts";

/** Ratios for a model without a price: those of most current models, so that the ledger still errs on the safe side. */
const UNPRICED: Omit<Economics, "cacheTtlMs"> = { cachedRatio: 0.25, writeRatio: 1, outputRatio: 4 };

export function economicsOf(price: ModelPrice | undefined, ttlSeconds: number): Economics {
  const cacheTtlMs = ttlSeconds * 1000;
  if (!price || price.input === 0) return { ...UNPRICED, cacheTtlMs };
  return {
    cachedRatio: price.cachedInput / price.input,
    writeRatio: price.cacheWrite / price.input,
    outputRatio: price.output / price.input,
    cacheTtlMs,
  };
}

const UNKNOWN_WINDOW = 128_000;
/** Of the model's window, what is left to the answer when the request does not say how long it may be. */
const ANSWER_SHARE = 0.1;
/** No answer takes more of it from the history, however long the request lets it be: a limit is no wish. */
const MAX_ANSWER_SHARE = 0.5;

/** The hard cap is the configured one, or the model's window less room for the answer. */
export function cappedKnobs(
  knobs: HistoryKnobs,
  { fields, price }: { fields: JsonObject; price: ModelPrice | undefined },
): HistoryKnobs {
  if (knobs.maxTokens > 0) return knobs;
  const window = price?.contextWindow ?? UNKNOWN_WINDOW;
  const asked = fields["max_completion_tokens"] ?? fields["max_tokens"];
  const answer = typeof asked === "number" && asked > 0 ? asked : window * ANSWER_SHARE;
  return { ...knobs, maxTokens: Math.floor(window - Math.min(answer, window * MAX_ANSWER_SHARE)) };
}
