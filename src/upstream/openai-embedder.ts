import type OpenAI from "openai";
import type { CreateEmbeddingResponse } from "openai/resources/embeddings";

import { GatewayError } from "../errors/gateway-error.ts";
import type { Embedder } from "../history/embedder.ts";
import { callerHeaders, openOpenAi, type OpenAiOptions, toGatewayError } from "./open-openai.ts";

/** Embeds with a model of the upstream. Rejects with a GatewayError; its text never quotes the upstream's. */
export function createOpenAiEmbedder(options: OpenAiOptions): Embedder {
  let client: Promise<OpenAI> | undefined;
  return {
    async embed(texts, { model, credential, signal }) {
      try {
        const { embeddings } = await (client ??= openOpenAi(options));
        // Stated, or the client would ask for a form that some servers do not know and misread theirs.
        const request = { model, input: [...texts], encoding_format: "float" as const };
        const response = await embeddings.create(request, {
          signal,
          headers: callerHeaders(options, credential),
        });
        return {
          vectors: readVectors(response, texts.length),
          model: response.model || model,
          promptTokens: response.usage?.prompt_tokens ?? 0,
        };
      } catch (error) {
        throw toGatewayError("embedding", error);
      }
    },
  };
}

function readVectors({ data }: CreateEmbeddingResponse, count: number): readonly Float32Array[] {
  const vectors = (data ?? [])
    .toSorted((left, right) => left.index - right.index)
    .map((each) => toUnit(each.embedding));
  const dimensions = vectors[0]?.length ?? 0;
  if (vectors.length === count && dimensions > 0 && vectors.every((each) => each.length === dimensions)) return vectors;
  throw new GatewayError("internal", "embedding without a vector for each text");
}

function toUnit(values: readonly number[]): Float32Array {
  const length = Math.hypot(...values) || 1;
  return Float32Array.from(values, (value) => value / length);
}
