import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../../src/demo/simulated-upstream.ts";
import type { EmbeddingCaller } from "../../../src/history/embedder.ts";
import { Secret } from "../../../src/kit/secret.ts";
import { createOpenAiEmbedder } from "../../../src/upstream/openai-embedder.ts";
import { startRawServer } from "./upstream-harness.ts";

let simulated: SimulatedUpstream;
beforeEach(async () => void (simulated = await startSimulatedUpstream()));
afterEach(() => simulated.close());

const TEXTS = ["Bees in Lisbon.", "Rain on the roof.", "Bees in Lisbon."];

function embed({ apiKey, ...fields }: Partial<EmbeddingCaller> & { apiKey?: Secret } = {}) {
  const embedder = createOpenAiEmbedder({ baseUrl: simulated.url, timeoutMs: 5_000, ...(apiKey && { apiKey }) });
  const credential = { header: "authorization", value: "Bearer sk-caller" };
  const { signal } = new AbortController();
  return embedder.embed(TEXTS, { model: "text-embedding-3-small", credential, signal, ...fields });
}

describe("the embedder", () => {
  it("hands back a vector of length 1 for each text, in order, and what they cost", async () => {
    const { vectors, model, promptTokens } = await embed();
    expect(model).toBe("text-embedding-3-small");
    expect(promptTokens).toBe(simulated.log[0]?.promptTokens);
    expect(vectors).toHaveLength(3);
    expect(vectors[0]).toEqual(vectors[2]);
    expect(vectors[0]).not.toEqual(vectors[1]);
    for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
  });

  it("pays with the caller's credential, or with the gateway's own key where there is one", async () => {
    await embed();
    await embed({ credential: { header: "api-key", value: "key-of-caller" } });
    await embed({ apiKey: new Secret("sk-own") });
    expect(simulated.log.map(({ headers }) => [headers.authorization, headers["api-key"]])).toEqual([
      ["Bearer sk-caller", undefined],
      [undefined, "key-of-caller"],
      ["Bearer sk-own", undefined],
    ]);
  });

  it("tries a second time, not a third, and fails without a word of the upstream's", async () => {
    simulated.steerEmbeddings("[[error:500]]");
    await expect(embed()).rejects.toThrow(/^embedding failed: InternalServerError 500$/);
    expect(simulated.log).toHaveLength(2);
  });

  it.each(['{"data":[]}', '{"data":[{"index":0,"embedding":[1]}]}', "{}"])("refuses the answer %s", async (body) => {
    const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n`;
    const raw = await startRawServer((socket) => socket.end(`${head}connection: close\r\n\r\n${body}`));
    const embedder = createOpenAiEmbedder({ baseUrl: raw.url, timeoutMs: 5_000 });
    const caller = { model: "any", credential: undefined, signal: new AbortController().signal };
    await expect(embedder.embed(TEXTS, caller)).rejects.toThrow("embedding without a vector for each text");
    await raw.close();
  });

  it("ends with its signal", async () => {
    simulated.steerEmbeddings("[[delay:30000]]");
    await expect(embed({ signal: AbortSignal.timeout(20) })).rejects.toThrow("embedding failed: APIUserAbortError");
  });
});
