import { z } from "zod";

import { history } from "./history-schema.ts";
import { http } from "./http-schema.ts";
import { identity } from "./identity-schema.ts";
import { audit, limits, redaction } from "./privacy-schema.ts";
import { count, toSecret } from "./schema-parts.ts";
import { store } from "./store-schema.ts";
import { upstream } from "./upstream-schema.ts";
import { MASTER_KEYS_SHAPE } from "./value-shapes.ts";

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
