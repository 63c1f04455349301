import type { ModelPrice, PromptCache } from "../../src/tokens/price-list.ts";

/** A provider as a bill knows it: prices and prompt cache. */
export interface PriceProfile {
  readonly name: string;
  /** r: a cached token by an uncached one. */
  readonly cachedRatio: number;
  readonly price: ModelPrice;
  readonly promptCache: PromptCache;
}

interface Listed {
  readonly name: string;
  /** USD per million tokens. */
  readonly input: number;
  readonly cachedRatio: number;
  readonly writeRatio: number;
  readonly output: number;
  readonly stepTokens: number;
  readonly minimumTokens: number;
}

const openAi = { stepTokens: 128, minimumTokens: 1_024 };
const anthropic = { input: 3, cachedRatio: 0.1, output: 15, stepTokens: 1, minimumTokens: 1_024 };

/** Of October 2026. The profiles differ in prices alone: every life is taken as five minutes, also the one that costs an hour's. */
export const priceProfiles: readonly PriceProfile[] = [
  { name: "gpt-4o", input: 2.5, cachedRatio: 0.5, writeRatio: 1, output: 10, ...openAi },
  { name: "gpt-4.1", input: 2, cachedRatio: 0.25, writeRatio: 1, output: 8, ...openAi },
  { name: "gpt-5", input: 1.25, cachedRatio: 0.1, writeRatio: 1, output: 10, ...openAi },
  { name: "gpt-5.6-terra", input: 2, cachedRatio: 0.1, writeRatio: 1.25, output: 12, ...openAi },
  { name: "Claude Sonnet, writes for five minutes", writeRatio: 1.25, ...anthropic },
  { name: "Claude Sonnet, writes for an hour", writeRatio: 2, ...anthropic },
  {
    name: "DeepSeek V4 flash",
    input: 0.14,
    cachedRatio: 0.02,
    writeRatio: 1,
    output: 0.28,
    stepTokens: 64,
    minimumTokens: 64,
  },
].map(profileOf);

function profileOf({ name, input, cachedRatio, writeRatio, output, stepTokens, minimumTokens }: Listed): PriceProfile {
  const perToken = input / 1e6;
  return {
    name,
    cachedRatio,
    price: {
      input: perToken,
      cachedInput: perToken * cachedRatio,
      cacheWrite: perToken * writeRatio,
      output: output / 1e6,
      contextWindow: Infinity,
    },
    promptCache: { ttlSeconds: 300, minimumTokens, stepTokens },
  };
}
