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
    .default(["EMAIL", "PHONE", "SSN", "CARD", "IBAN", "IP", "SECRET"])
    .describe(
      "Which built-in kinds are looked for. SECRET: keys, tokens and passwords. IP: public addresses; private, loopback and link-local ones stay.",
    ),
  allow: z
    .array(z.string().min(1).max(256))
    .default([])
    .describe(
      "Values that stay as they are, such as your own support address. Compared as placeholders are: whatever case, separators or disguise they are written in. Wins over everything that is looked for.",
    ),
  patterns: z
    .array(
      z.strictObject({
        name: z.string().regex(ENTITY_NAME_SHAPE, "expected 2 to 24 capitals, digits or underscores"),
        pattern: z.string().min(1).max(500),
      }),
    )
    .default([])
    .describe(
      "Your own kinds, as {name: EMPLOYEE_ID, pattern: 'E[0-9]{6}'} in RE2 syntax (no look-around, no back-references), which always runs in linear time. Found up to 1,024 characters at a time, in text where full-width letters, digits of other scripts and escapes are plain ASCII already. A value is replaced by [EMPLOYEE_ID_1a2b3c4d]; what a built-in kind finds too is the built-in kind's.",
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
