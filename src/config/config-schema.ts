import { z } from "zod";

import { isNetwork } from "../kit/network-list.ts";
import { identity } from "./identity-schema.ts";
import { audit, limits, redaction } from "./privacy-schema.ts";
import { count, milliseconds, toSecret } from "./schema-parts.ts";
import { MASTER_KEYS_SHAPE, ORIGIN_SHAPE, SHARED_ROUTE_SHAPE, STORE_ADDRESS_SHAPE } from "./value-shapes.ts";

const http = z.strictObject({
  host: z
    .string()
    .min(1)
    .default("127.0.0.1")
    .describe("Address to listen on. 0.0.0.0 opens the gateway to the network."),
  port: z.int().min(0).max(65_535).default(8787).describe("0 takes any free port."),
  maxBodyBytes: count().default(20_971_520).describe("A larger request body is refused with 413."),
  maxDepth: count().max(10_000).default(64).describe("How deep a chat request's JSON may be nested."),
  maxKeys: count().default(200_000).describe("How many object keys a chat request's JSON may have in all."),
  maxHeaderBytes: z.int().min(1_024).max(1_048_576).default(16_384).describe("All headers of a request together."),
  headersTimeoutMs: milliseconds()
    .default(15_000)
    .describe("A client that has not sent its headers by then is cut off."),
  requestTimeoutMs: milliseconds().default(300_000).describe("The same for headers and body together."),
  trustedProxies: z
    .array(z.string().refine(isNetwork, "expected an address or a network, such as 10.0.0.0/8"))
    .default([])
    .describe("Addresses and networks of proxies whose X-Forwarded-For counts. From anybody else it is ignored."),
  cors: z
    .strictObject({
      origins: z
        .array(
          z
            .string()
            .regex(ORIGIN_SHAPE, "expected an origin, such as https://app.example.com")
            .refine(URL.canParse, "is no origin"),
        )
        .default([])
        .describe("Web pages of these origins may call the gateway from a browser, cookies included."),
    })
    .prefault({}),
  drainDelayMs: z
    .int()
    .min(0)
    .max(600_000)
    .default(0)
    .describe(
      "After SIGTERM, /readyz is red for so long before connections are refused: until load balancers have noticed.",
    ),
  drainTimeoutMs: milliseconds()
    .default(30_000)
    .describe("Then running answers may take this long to finish before their connections are cut."),
});

const upstream = z.strictObject({
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

const store = z.strictObject({
  address: z
    .string()
    .regex(
      STORE_ADDRESS_SHAPE,
      "expected memory:, sqlite:PATH, redis://HOST:PORT, redis+cluster://HOST:PORT,HOST:PORT (rediss: with TLS), postgres://USER@HOST/DATABASE or dynamodb://REGION/TABLE",
    )
    .prefault("sqlite:./data/stategate.db")
    .transform(toSecret)
    .describe(
      "memory: (tests), sqlite:PATH (one machine); for many replicas postgres://, dynamodb://REGION/TABLE, redis:// or redis+cluster:// (rediss: with TLS, ?tlsCa=PATH for a CA of one's own).",
    ),
  timeoutMs: z
    .exactOptional(milliseconds().meta({ examples: [250] }))
    .describe(
      "No request waits longer than this for the store. Without it 250 for Redis, 1000 for PostgreSQL and DynamoDB, 2000 for a local file.",
    ),
  outbox: z
    .exactOptional(
      z
        .string()
        .min(1)
        .meta({ examples: ["./data/outbox.db"] }),
    )
    .describe(
      "A file of this replica alone: turns that the store cannot take wait there, sealed, and reach it when it is back. Without it such an answer ends with an error.",
    ),
});

const keys = z.strictObject({
  masterKeys: z
    .exactOptional(
      z
        .string()
        .regex(MASTER_KEYS_SHAPE, "expected id:base64 of 32 bytes, several joined by commas")
        .meta({ examples: ["2026-11:<openssl rand -base64 32>"] })
        .transform(toSecret),
    )
    .describe("The first wraps new data keys, all of them open old ones. Better set as STATEGATE_MASTER_KEYS."),
  masterKeyFile: z
    .exactOptional(
      z
        .string()
        .min(1)
        .meta({ examples: ["/run/secrets/stategate-master-keys"] }),
    )
    .describe("The same from a file that only its owner may read: keys by comma or line."),
  developmentKeyFile: z
    .string()
    .min(1)
    .default("./data/development.key")
    .describe("Without either a key is made here once, readable by its owner only."),
});

const sessions = z.strictObject({
  ttl: z
    .strictObject({
      mode: z.enum(["sliding", "fixed"]).default("sliding").describe("sliding: every turn starts the time anew."),
      seconds: count().default(86_400),
    })
    .prefault({}),
  absoluteSeconds: count().default(2_592_000).describe("No session lives longer, however busy it is."),
  idFormat: z
    .enum(["token", "uuid4"])
    .default("token")
    .describe("Names the gateway mints: 256 random bits, or the 122 of a UUID."),
  binding: z
    .strictObject({
      ip: z.enum(["off", "observe", "enforce"]).default("off"),
      userAgent: z.enum(["off", "observe", "enforce"]).default("off"),
    })
    .prefault({})
    .describe("Tie a session to the address or client that began it: observe audits a change, enforce refuses it."),
  rotationGraceSeconds: z
    .int()
    .min(0)
    .max(3_600)
    .default(30)
    .describe("After POST /v1/sessions/{id}/rotate the old id is good for so long; its later use ends the session."),
  concurrency: z
    .enum(["parallel", "serialize", "reject"])
    .default("parallel")
    .describe("Two requests on one session at once: both run, the second waits, or the second gets 409."),
});

const history = z.strictObject({
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

const telemetry = z
  .strictObject({
    prometheus: z.boolean().default(true).describe("Serve /metrics."),
    turnLine: z.enum(["auto", "on", "off"]).default("auto").describe("A line per turn on stdout; auto: on a terminal."),
  })
  .prefault({})
  .describe("OTLP export is set by the standard OTEL_* variables.");

/** Every key of the configuration and, here alone, every default. */
export const configSchema = z.strictObject({
  production: z.boolean().default(false).describe("Refuse to start without master keys."),
  workers: z
    .union([z.int().min(1).max(256), z.literal("auto")])
    .default(1)
    .describe("Processes behind the port, each a replica over the store; auto: one per core."),
  http: http.prefault({}),
  upstream: upstream.prefault({}),
  store: store.prefault({}),
  keys: keys.prefault({}).describe("Everything stored is sealed under per-user keys, which the master keys wrap."),
  identity: identity.prefault({}).describe("Who a caller is, and which session a request means."),
  sessions: sessions.prefault({}),
  history: history.prefault({}).describe("What of a conversation is sent to the model."),
  limits: limits
    .prefault({})
    .describe("Of each user; a key's own limits go before. Without a number there is no limit. Replicas share them."),
  redaction: redaction.prefault({}),
  audit: audit.prefault({}),
  telemetry,
  log: z
    .strictObject({ level: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info") })
    .prefault({}),
  prices: z
    .strictObject({
      file: z
        .string()
        .min(1)
        .default("./config/prices.json")
        .describe("USD per million tokens, by model. Edit it freely."),
    })
    .prefault({}),
});

export type ParsedConfig = z.output<typeof configSchema>;
