import type { Clock } from "../kit/clock.ts";
import type { Log } from "../kit/log.ts";
import type { StoreBackend } from "./store-backend.ts";

export interface OpenStoreOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Redis only. Default 1,000: the driver's own limit, behind the shorter one of `withBreaker`. */
  readonly commandTimeoutMs?: number;
  /** Redis only. Default `stategate:`. */
  readonly keyPrefix?: string;
}

const NOT_YET = new Set(["postgres", "postgresql", "dynamodb"]);
const REDIS = new Set(["redis", "rediss", "redis+cluster", "rediss+cluster"]);

/**
 * Opens what `memory:`, `sqlite:PATH`, `redis://…`, `redis+cluster://…` (or `rediss` for TLS) names; loads the driver of
 * that one only.
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
  const { openRedisBackend } = await import("./redis/redis-backend.ts");
  const { commandTimeoutMs = 1_000, keyPrefix = "stategate:" } = options;
  return openRedisBackend({ url: address, clock, log, commandTimeoutMs, keyPrefix });
}

type StoreScheme = "memory" | "sqlite" | "redis";

/** @throws TypeError that names the scheme only: an address may hold a password */
function parseStoreAddress(address: string): { scheme: StoreScheme; rest: string } {
  const colon = address.indexOf(":");
  const scheme = address.slice(0, Math.max(colon, 0)).toLowerCase();
  const rest = address.slice(colon + 1);
  if (NOT_YET.has(scheme)) throw new TypeError(`store ${scheme}: is not available in this version`);
  if (scheme === "memory") return { scheme, rest };
  if (scheme === "sqlite") {
    if (rest === "" || rest === ":memory:")
      throw new TypeError("store sqlite: needs a path, as in sqlite:./data/stategate.db");
    return { scheme, rest };
  }
  if (REDIS.has(scheme)) return { scheme: "redis", rest };
  throw new TypeError(
    "a store address starts with memory:, sqlite:, or redis:// (rediss, redis+cluster, rediss+cluster)",
  );
}
