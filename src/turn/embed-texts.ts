import { describeError } from "../errors/describe-error.ts";
import { GatewayError } from "../errors/gateway-error.ts";
import type { Embedding, EmbeddingCaller } from "../history/embedder.ts";
import { callCost } from "../tokens/cost.ts";
import type { TurnPorts } from "./turn-ports.ts";

interface EmbedTask {
  readonly texts: readonly string[];
  readonly credential: EmbeddingCaller["credential"];
  readonly timeoutMs: number;
}

/** Vectors, reported as overhead; `undefined` where they fail or come late, which is counted. Never rejects. */
export async function embedTexts(
  ports: TurnPorts,
  { texts, credential, timeoutMs }: EmbedTask,
): Promise<readonly Float32Array[] | undefined> {
  const { model } = ports.settings.recall.embeddings;
  if (model === undefined) return undefined;
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    // Raced as well: between two tries nothing listens to the signal.
    const embedding = await Promise.race([ports.embedder.embed(texts, { model, credential, signal }), aborted(signal)]);
    reportOverhead(ports, embedding);
    return embedding.vectors;
  } catch (error) {
    ports.meter.degraded("embedding_failed");
    ports.log.warn({ cause: describeError(error) }, "embedding failed");
    return undefined;
  }
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const late = (): void => reject(new GatewayError("upstream_timeout", "embedding came late"));
    signal.addEventListener("abort", late, { once: true });
  });

function reportOverhead({ prices, meter }: TurnPorts, { model, promptTokens }: Embedding): void {
  const price = prices.priceOf(model);
  const usd = price && callCost(price, { promptTokens, cachedTokens: 0, cacheWriteTokens: 0, completionTokens: 0 });
  meter.overhead({ model, purpose: "embedding", promptTokens, completionTokens: 0, usd });
}
