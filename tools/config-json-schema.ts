import { z } from "zod";

import { configSchema } from "../src/config/config-schema.ts";

/** The part of JSON Schema that the configuration's schema uses. */
export interface KeySchema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, KeySchema>>;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
}

/** What an editor needs to complete and check `gateway.config.yaml`. */
export function configJsonSchema(): KeySchema {
  return z.toJSONSchema(configSchema, { io: "input" }) as KeySchema;
}
