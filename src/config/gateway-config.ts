import type { ParsedConfig } from "./config-schema.ts";
import type { DeepReadonly } from "./deep-freeze.ts";

/** The whole configuration: complete, checked and frozen. Parts are handed their own piece of it, never the whole. */
export type GatewayConfig = DeepReadonly<ParsedConfig>;
