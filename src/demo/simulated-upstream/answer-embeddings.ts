import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { readDirectives } from "./directives.ts";
import { failHead } from "./fail-head.ts";
import { sendError, sendJson } from "./send.ts";
import type { Exchange } from "./world.ts";

export async function answerEmbeddings({ world, response, entry }: Exchange): Promise<void> {
  const body = (entry.body ?? {}) as {
    model?: string;
    input?: string | string[];
    dimensions?: number;
    encoding_format?: string;
  };
  if (body.input === undefined) return sendError(response, "you must provide an input");
  const inputs = [body.input].flat();
  const { directives: steering, text: steered } = world.embeddingSteering;
  const directives = readDirectives(steered === undefined || inputs.includes(steered) ? steering : "");
  await sleep(directives.number("delay") ?? 0, undefined, { ref: false });
  if (failHead(response, directives, false)) return;
  const vectors = inputs.map((text) => embed(String(text), body.dimensions ?? 1536, world.synonyms));
  const encode = (vector: Float32Array) =>
    body.encoding_format === "base64" ? Buffer.from(vector.buffer).toString("base64") : [...vector];
  entry.promptTokens = inputs.reduce((sum, text) => sum + world.countTokens(String(text)), 0);
  const data = vectors.map((vector, index) => ({ object: "embedding", index, embedding: encode(vector) }));
  const usage = { prompt_tokens: entry.promptTokens, total_tokens: entry.promptTokens };
  sendJson(response, { object: "list", model: body.model, data, usage });
}

/** A unit vector of hashed word stems: texts that share words are near each other. */
function embed(text: string, dimensions: number, synonyms: ReadonlyMap<string, string>): Float32Array {
  const vector = new Float32Array(dimensions);
  for (const spoken of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    const word = synonyms.get(spoken) ?? spoken;
    const digest = createHash("md5")
      .update(word.replace(/(?:ing|ed|ly|es|s)$/u, ""))
      .digest();
    const slot = digest.readUInt32LE(0) % dimensions;
    vector[slot] = (vector[slot] ?? 0) + (digest.readUInt8(4) % 2 === 0 ? 1 : -1) * (word.length > 3 ? 1 : 0.2);
  }
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}
