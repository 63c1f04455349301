import type { Clock } from "../kit/clock.ts";
import type { Log } from "../kit/log.ts";
import type { StoreBackend } from "./store-backend.ts";

export interface OpenStoreOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Redis and DynamoDB. Default 1,000: the driver's own limit, behind the shorter one of `withBreaker`. */
  readonly commandTimeoutMs?: number;
  /** Redis only. Default `stategate:`. */
  readonly keyPrefix?: string;
}

const NOT_YET = new Set(["postgres", "postgresql", "redis+cluster", "rediss+cluster"]);

/**
 * Opens what `memory:`, `sqlite:PATH`, `redis://…`, `rediss://…` or `dynamodb://…` names; loads the driver of that one only.
 * Rejects with TypeError for an address that means nothing, with `store_unavailable` when the store cannot be opened.
 */
export async function openStore(address: string, options: OpenStoreOptions): Promise<StoreBackend> {
  const { clock, log } = options;
  const { scheme, rest } = parseStoreAddress(address);
  if (scheme === "memory") {
    const { createMemoryBackend } = await import("./memory/memory-backend.ts");
    return createMemoryBackend({ clock });
  }
  if (scheme === "sqlite") {
    const { openSqliteBackend } = await import("./sqlite/sqlite-backend.ts");
    return openSqliteBackend({ path: rest, clock, log });
  }
  const { commandTimeoutMs = 1_000, keyPrefix = "stategate:" } = options;
  if (scheme === "dynamodb") {
    const { openDynamoBackend } = await import("./dynamodb/dynamo-backend.ts");
    return openDynamoBackend({ address, clock, log, requestTimeoutMs: commandTimeoutMs });
  }
  const { openRedisBackend } = await import("./redis/redis-backend.ts");
  return openRedisBackend({ url: address, clock, log, commandTimeoutMs, keyPrefix });
}

type StoreScheme = "memory" | "sqlite" | "redis" | "rediss" | "dynamodb";

/** @throws TypeError that names the scheme only: an address may hold a password */
function parseStoreAddress(address: string): { scheme: StoreScheme; rest: string } {
  const colon = address.indexOf(":");
  const scheme = address.slice(0, Math.max(colon, 0)).toLowerCase();
  const rest = address.slice(colon + 1);
  if (NOT_YET.has(scheme)) throw new TypeError(`store ${scheme}: is not available in this version`);
  if (scheme === "memory" || scheme === "dynamodb") return { scheme, rest };
  if (scheme === "sqlite") {
    if (rest === "" || rest === ":memory:")
      throw new TypeError("store sqlite: needs a path, as in sqlite:./data/stategate.db");
    return { scheme, rest };
  }
  if (scheme === "redis" || scheme === "rediss") {
    if (!URL.canParse(address) || !rest.startsWith("//"))
      throw new TypeError(`store ${scheme}: needs a URL, as in ${scheme}://host:6379`);
    return { scheme, rest };
  }
  throw new TypeError("a store address starts with memory:, sqlite:, redis://, rediss:// or dynamodb://");
}
