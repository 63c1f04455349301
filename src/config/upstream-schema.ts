import { z } from "zod";

import { count, milliseconds, toSecret } from "./schema-parts.ts";
import { SHARED_ROUTE_SHAPE } from "./value-shapes.ts";

export const upstream = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, error: "expected an http:// or https:// URL" })
    .refine((url) => !/^[^/]*\/\/[^/?#]*@/.test(url), "must not hold a user name or password")
    .refine((url) => !url.includes("#"), "must not have a fragment")
    .default("https://api.openai.com/v1")
    .describe("Any server that speaks the OpenAI API, with its version path."),
  profile: z
    .enum(["auto", "openai", "anthropic-compatible", "none"])
    .default("auto")
    .describe(
      "Hints on a session's prompt cache. openai: prompt_cache_key, a hash; anthropic-compatible: a cache_control breakpoint; auto: openai for api.openai.com, none for any other. Never with redaction.mode upstream.",
    ),
  apiKey: z
    .exactOptional(
      z
        .string()
        .min(1)
        .meta({ examples: ["<the gateway's own key>"] })
        .transform(toSecret),
    )
    .describe(
      "Replaces every caller's credential; keys and jwt mode need it. Better set as STATEGATE_UPSTREAM__API_KEY.",
    ),
  sharedRoutes: z
    .array(z.string().regex(SHARED_ROUTE_SHAPE, 'expected a method and a path, such as "GET /files"'))
    .default([])
    .describe(
      "Behind one apiKey all callers share an account, so requests that name its stored objects are refused. List those that may pass all the same, as METHOD /path.",
    ),
  timeouts: z
    .strictObject({
      connectMs: milliseconds().default(10_000),
      firstByteMs: milliseconds().default(600_000).describe("From the sent request to the head of the answer."),
      idleMs: milliseconds().default(300_000).describe("Between two pieces of an answer."),
    })
    .prefault({}),
  promptCache: z
    .strictObject({
      ttlSeconds: count().default(300).describe("Idle time after which the provider has forgotten a prompt."),
      minimumTokens: z.int().min(0).default(1_024).describe("Shorter prompts are not cached."),
      stepTokens: count().default(128).describe("The cached front grows in steps of so many tokens."),
      retention: z
        .exactOptional(z.enum(["in_memory", "24h"]).meta({ examples: ["24h"] }))
        .describe("Sent as prompt_cache_retention where the profile is openai; ttlSeconds must fit it."),
    })
    .prefault({})
    .describe("How the provider's prompt cache behaves. It decides when rewriting the front of a prompt pays."),
  onDisconnect: z
    .enum(["cancel", "finish"])
    .default("cancel")
    .describe("When a client leaves: cancel the model's answer, or let it finish and remember it whole."),
  keepReasoning: z
    .boolean()
    .default(false)
    .describe("Send stored reasoning back to the model. For upstreams that expect `reasoning_content` in the history."),
  maxConnections: count().default(256).describe("Connections to the upstream; requests beyond them wait."),
});
