import { z } from "zod";

import { milliseconds, toSecret } from "./schema-parts.ts";
import { STORE_ADDRESS_SHAPE } from "./value-shapes.ts";

export const store = z.strictObject({
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
