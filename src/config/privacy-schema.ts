import { z } from "zod";

import { count } from "./schema-parts.ts";
import { ENTITY_NAME_SHAPE } from "./value-shapes.ts";

const limit = (example: number) => z.exactOptional(count().meta({ examples: [example] }));

export const limits = z.strictObject({
  requestsPerMinute: limit(60).describe("Chat requests."),
  tokensPerMinute: limit(100_000).describe("Billed tokens, prompt and completion, known when an answer ends."),
  tokensPerDay: limit(2_000_000).describe("The same from midnight to midnight, UTC."),
  concurrentRequests: limit(10).describe("Chat requests that run at once."),
  sessions: limit(1_000).describe("Live sessions; one more is refused."),
  sessionCallsPerMinute: count()
    .default(600)
    .describe("Calls of every other route of the gateway's own: sessions, me, login."),
});

export const redaction = z.strictObject({
  mode: z
    .enum(["store", "upstream", "off"])
    .default("store")
    .describe(
      "store: personal data is replaced before it is stored; upstream: also before it is forwarded, and put back into the answer.",
    ),
  restore: z
    .enum(["off", "session"])
    .default("off")
    .describe(
      "session: in store mode too, keep what was replaced, sealed, and put it back where the model repeats it.",
    ),
  entities: z
    .array(z.enum(["EMAIL", "PHONE", "SSN", "CARD", "IBAN", "IP", "SECRET"]))
    .default(["EMAIL", "PHONE", "SSN", "CARD", "IBAN", "IP", "SECRET"]),
  allow: z
    .array(z.string().min(1).max(256))
    .default([])
    .describe("Values that stay as they are, whatever case they are written in, such as your own support address."),
  patterns: z
    .array(
      z.strictObject({
        name: z.string().regex(ENTITY_NAME_SHAPE, "expected 2 to 24 capitals, digits or underscores"),
        pattern: z.string().min(1).max(500),
      }),
    )
    .default([])
    .describe(
      "Your own kinds, as {name: EMPLOYEE_ID, pattern: 'E[0-9]{6}'} in RE2 syntax, which always runs in linear time.",
    ),
  maxCharacters: count()
    .default(4_000_000)
    .describe("A turn with more text than this is not checked, and therefore not stored."),
});

export const audit = z.strictObject({
  ip: z
    .enum(["full", "truncated", "off"])
    .default("truncated")
    .describe("What the audit log keeps of addresses, sealed under the user's key; truncated: the network (/24, /48)."),
  forward: z
    .enum(["off", "stdout", "otlp"])
    .default("off")
    .describe("Send each entry to a second place too: as a line of JSON, or as an OpenTelemetry log record."),
});
