import { z } from "zod";

import { count, milliseconds } from "./schema-parts.ts";

export const history = z.strictObject({
  mode: z
    .enum(["manage", "observe"])
    .default("manage")
    .describe(
      "observe: send each request as it came and only report what would have been saved. For clients that replay.",
    ),
  strategy: z
    .enum(["full", "window", "summary", "semantic", "hybrid"])
    .default("hybrid")
    .describe(
      "full: everything; window: the last turns; summary: a running summary and a few turns; semantic: the last turns and what is asked for of older ones; hybrid: a summary, the last turns, and what is asked for. X-History-Strategy overrides.",
    ),
  window: z
    .strictObject({
      turns: count().default(10).describe("Newest turns kept at least."),
      tokens: z
        .exactOptional(count().meta({ examples: [4_000] }))
        .describe("Newest tokens kept at least, besides: a window by size rather than by turns (with turns: 1)."),
    })
    .prefault({}),
  hybrid: z
    .strictObject({ keepTurns: count().default(5).describe("Newest turns kept verbatim, whatever they weigh.") })
    .prefault({}),
  floorTokens: z
    .int()
    .min(0)
    .default(2_000)
    .describe("A compaction keeps at least so many tokens verbatim, if there are."),
  maxTokens: z
    .exactOptional(count().meta({ examples: [100_000] }))
    .describe("Hard cap of a prompt. Without it, the model's own context window."),
  exact: z
    .boolean()
    .default(false)
    .describe("Send exactly the counted turns each time. The prompt cache is lost by it, so it usually costs more."),
  aging: z
    .strictObject({
      enabled: z.boolean().default(true),
      toolResults: z.int().min(0).default(4).describe("Newest tool results that are sent in full."),
      images: z.int().min(0).default(3).describe("Newest messages with images that are sent with them."),
      excludeTools: z
        .array(z.string().min(1))
        .default([])
        .describe("Tools whose results are always sent in full, such as one that returns a plan."),
    })
    .prefault({})
    .describe(
      "Older tool results and images are sent as a short note, from where the prompt is written anew anyway. Turns kept verbatim are never touched, nor is anything under full; what is stored stays whole.",
    ),
  recall: z
    .strictObject({
      maxTokens: z.int().min(0).default(2_000).describe("Of old remarks that a message asks for; 0: recall nothing."),
      scope: z
        .enum(["session", "user"])
        .default("session")
        .describe("user: also the caller's other sessions, the newest twenty. Who shares a key shares them."),
      embeddings: z
        .strictObject({
          model: z
            .exactOptional(
              z
                .string()
                .min(1)
                .meta({ examples: ["text-embedding-3-small"] }),
            )
            .describe("Find what means the same in other words, too; billed to the caller. Default: words alone."),
          timeoutMs: milliseconds().default(150).describe("For a question's vector; then words alone find."),
          minSimilarity: z
            .number()
            .min(0)
            .max(1)
            .default(0.4)
            .describe("Cosine from which on a remark is near. Models differ: try yours."),
          dimensions: z
            .exactOptional(
              z
                .int()
                .min(1)
                .max(4_000)
                .meta({ examples: [1_536] }),
            )
            .describe("How long the model's vectors are; needed where vectors: database."),
        })
        .prefault({}),
      vectors: z
        .enum(["memory", "database"])
        .default("memory")
        .describe(
          "Where vectors are kept: in memory, or UNSEALED beside the sessions in PostgreSQL with pgvector, so that no replica makes them twice.",
        ),
    })
    .prefault({})
    .describe("In semantic and hybrid: word for word, behind the newest message."),
  summary: z
    .strictObject({
      mode: z
        .enum(["model", "extractive", "off"])
        .default("model")
        .describe("Who writes summaries: a model (billed to the caller), an excerpt made here, or nobody."),
      model: z
        .exactOptional(
          z
            .string()
            .min(1)
            .meta({ examples: ["gpt-5-nano"] }),
        )
        .describe("Default: the request's own."),
      keepTurns: count().default(4).describe("Newest turns that the strategy `summary` keeps verbatim."),
      maxTokens: count().default(500),
      role: z.enum(["user", "system"]).default("user").describe("Role of the message that carries the summary."),
      timeoutMs: milliseconds().default(30_000),
    })
    .prefault({}),
});
