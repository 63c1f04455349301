/** Vectors of texts, in their order and each of length 1, with what they cost. */
export interface Embedding {
  readonly vectors: readonly Float32Array[];
  readonly model: string;
  readonly promptTokens: number;
}

/** Turns texts into vectors that are near each other where the texts mean the same. Rejects unless it has one for each. */
export interface Embedder {
  embed(texts: readonly string[], caller: EmbeddingCaller): Promise<Embedding>;
}

/** Who pays: lives in memory only, and no longer than the call. */
export interface EmbeddingCaller {
  readonly model: string;
  /** Header name and value to send upstream; `undefined` where the gateway supplies its own key. */
  readonly credential: { readonly header: string; readonly value: string } | undefined;
  readonly signal: AbortSignal;
}
