/** USD per token, and how the model's prompt cache works. Source: `config/prices.json`. */
export interface ModelPrice {
  readonly input: number;
  readonly cachedInput: number;
  /** Price of writing a token to the cache; equals `input` where writes are free. */
  readonly cacheWrite: number;
  readonly output: number;
  /** Tokens; the hard cap is taken from it. */
  readonly contextWindow: number;
}

/** How the upstream's prompt cache behaves. */
export interface PromptCache {
  readonly ttlSeconds: number;
  readonly minimumTokens: number;
  readonly stepTokens: number;
}

export interface PriceList {
  /** `undefined` for a model without a price: only tokens are reported then. Dated snapshots match their family. */
  priceOf(model: string): ModelPrice | undefined;
}
