import { z } from "zod";

import { GatewayError } from "../errors/gateway-error.ts";

/**
 * A user's data as JSON Lines: a header, then each session followed by its turns, then an end with counts and a hash.
 * Whoever reads one must refuse a version that he does not know.
 */
export const EXPORT_VERSION = 1;

const count = () => z.int().min(0);
const time = () => z.iso.datetime();
const hexId = () => z.string().regex(/^[0-9a-f]{32}$/);

export const exportHeader = z.strictObject({
  object: z.literal("export"),
  version: z.literal(EXPORT_VERSION),
  created_at: time(),
  /** Keyed hash of tenant and user. */
  user: z.string(),
});

export const sessionLine = z.strictObject({
  object: z.literal("session"),
  id: z.string(),
  title: z.string().max(400),
  created_at: time(),
  last_active_at: time(),
  last_asked_at: time().optional(),
  expires_at: time(),
  strategy: z.string().optional(),
  /** How many turn lines belong to it, superseded branches included. */
  turns: count(),
  /** What the gateway must know to go on: where the context begins, how the client speaks, what was saved. */
  state: z.strictObject({
    epoch: z.strictObject({
      number: count(),
      firstTurn: count(),
      ledger: z.number(),
      summaryFailed: z.boolean(),
    }),
    habits: z.strictObject({ preamble: count(), replayed: z.boolean() }),
    /** In exports of before this was left out; not read. */
    systemHash: z.string().optional(),
    billing: z
      .strictObject({
        model: z.string(),
        baselineTokens: z.number(),
        frontTokens: z.number(),
        billedRatio: z.number(),
        stable: z.strictObject({ begins: z.string(), tokens: z.number() }).optional(),
        hitRate: z.number().min(0).max(1).optional(),
        lastHit: z.number().min(0).max(1).optional(),
      })
      .optional(),
    totals: z.strictObject({
      baselineTokens: z.number(),
      sentTokens: z.number(),
      overheadTokens: z.number(),
      savedUsd: z.number(),
      wouldSaveUsd: z.number().optional(),
    }),
  }),
  /** The session's small records by name. One that is not listed here belongs to a newer version. */
  slots: z.strictObject({
    /** The last system messages a client sent; `json` is the message as it is sent to the model. */
    system: z
      .array(z.strictObject({ role: z.string(), json: z.string(), tokens: count(), redactions: count() }))
      .optional(),
    summary: z
      .array(
        z.strictObject({ fromTurn: count(), toTurn: count(), text: z.string(), by: z.enum(["model", "extractive"]) }),
      )
      .optional(),
    /** What redaction took out and puts back for the user: placeholder and value. */
    withheld: z.array(z.tuple([z.string(), z.string()])).optional(),
  }),
});

/** All of a turn but its messages, which stand in the line's `messages`, byte for byte as they are stored. */
export const turnLine = z.strictObject({
  object: z.literal("turn"),
  /** Place in the session's log of records: 0, 1, 2, … */
  sequence: count(),
  id: hexId(),
  at: time(),
  status: z.enum(["complete", "incomplete"]),
  model: z.string(),
  /** This turn replaced everything after the turn of that id; "" replaced all. */
  rewind_to: z.string().optional(),
  /** Which choice of the turn before the conversation went on from. */
  previous_choice: count(),
  /** So many of the last messages are answers, one for each choice; those before are the request's. */
  answers: count(),
  /** Tokens of each message. */
  tokens: z.array(count()),
  /** Fingerprints of messages as the client knows them, where redaction changed them; absent when it changed none. */
  seen: z.array(z.string().nullable()).optional(),
  finish_reasons: z.array(z.string().nullable()),
  usage: z
    .strictObject({
      prompt_tokens: z.number(),
      completion_tokens: z.number(),
      text_tokens: z.number(),
      cached_tokens: z.number(),
      cache_write_tokens: z.number(),
    })
    .optional(),
  /** Both in exports of before they were left out; not read. */
  request_hash: z.string().optional(),
  idempotency_hash: z.string().optional(),
  messages: z.array(z.unknown()),
});

/** Something that is stored and could not be read; what can be read is in the lines around it. */
export const problemLine = z.strictObject({
  object: z.literal("problem"),
  /** `null` where not even the session's name could be read. */
  session: z.string().nullable(),
  what: z.string(),
  sequence: count().optional(),
});

export const exportEnd = z.strictObject({
  object: z.literal("export.end"),
  sessions: count(),
  turns: count(),
  problems: count(),
  /** Hex SHA-256 of every line between the header and this one, newlines included: equal data has an equal hash. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

export type ExportHeader = z.output<typeof exportHeader>;
export type SessionLine = z.output<typeof sessionLine>;
export type TurnLine = z.output<typeof turnLine>;
export type ProblemLine = z.output<typeof problemLine>;
export type ExportEnd = z.output<typeof exportEnd>;

/** @throws GatewayError `invalid_request` that names the field, never its value */
export function parseExportLine<T>(schema: z.ZodType<T>, value: unknown): T {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const [issue] = error.issues;
  throw new GatewayError("invalid_request", `${issue?.path.join(".")}: ${issue?.message}`);
}
