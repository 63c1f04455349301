import type { Clock } from "../kit/clock.ts";
import type { Log } from "../kit/log.ts";
import type { StoreBackend } from "./store-backend.ts";
import type { VectorSpace } from "./vector-store.ts";

export interface OpenStoreOptions {
  readonly clock: Clock;
  readonly log: Log;
  /**
   * The driver's own limit, behind the one of `withBreaker`, which must not be longer. At least 5,000 for PostgreSQL,
   * 1,000 for Redis and DynamoDB, which are the default.
   */
  readonly commandTimeoutMs?: number;
  /** Redis only. Default `stategate:`. */
  readonly keyPrefix?: string;
  /** PostgreSQL only: the vectors that it is to hold. */
  readonly vectors?: VectorSpace | undefined;
}

/** Loads the code that `openStore` would need, and opens nothing. Rejects with TypeError for an address that means nothing. */
export async function loadStore(address: string): Promise<void> {
  const { kind } = parseStoreAddress(address);
  if (kind === "sqlite") await Promise.all([adapters.sqlite(), import("./sqlite/sqlite-writer.ts")]);
  else await adapters[kind]();
}

/**
 * Opens what the address names, and loads the driver of that store only.
 * Rejects with TypeError for an address that means nothing, with `store_unavailable` when the store cannot be opened.
 */
export async function openStore(address: string, options: OpenStoreOptions): Promise<StoreBackend> {
  const { clock, log } = options;
  const { kind, rest } = parseStoreAddress(address);
  if (kind === "memory") {
    const { createMemoryBackend } = await adapters.memory();
    return createMemoryBackend({ clock });
  }
  if (kind === "sqlite") {
    const { openSqliteBackend } = await adapters.sqlite();
    return openSqliteBackend({ path: rest, clock, log });
  }
  if (kind === "postgres") {
    const { openPostgresBackend } = await adapters.postgres();
    const commandTimeoutMs = Math.max(5_000, options.commandTimeoutMs ?? 0);
    return openPostgresBackend({ address, clock, log, commandTimeoutMs, vectors: options.vectors });
  }
  const { keyPrefix = "stategate:" } = options;
  const commandTimeoutMs = Math.max(1_000, options.commandTimeoutMs ?? 0);
  if (kind === "dynamodb") {
    const { openDynamoBackend } = await adapters.dynamodb();
    return openDynamoBackend({ address, clock, log, requestTimeoutMs: commandTimeoutMs });
  }
  const { openRedisBackend } = await adapters.redis();
  return openRedisBackend({ url: address, clock, log, commandTimeoutMs, keyPrefix });
}

const adapters = {
  memory: () => import("./memory/memory-backend.ts"),
  sqlite: () => import("./sqlite/sqlite-backend.ts"),
  postgres: () => import("./postgres/postgres-backend.ts"),
  redis: () => import("./redis/redis-backend.ts"),
  dynamodb: () => import("./dynamodb/dynamo-backend.ts"),
};

type StoreKind = keyof typeof adapters;

/** What stands before the colon; TLS and clusters are the adapter's to read. */
const kinds: Readonly<Record<string, StoreKind>> = {
  memory: "memory",
  sqlite: "sqlite",
  postgres: "postgres",
  postgresql: "postgres",
  redis: "redis",
  rediss: "redis",
  "redis+cluster": "redis",
  "rediss+cluster": "redis",
  dynamodb: "dynamodb",
};

/** @throws TypeError that names the scheme only: an address may hold a password */
export function parseStoreAddress(address: string): { kind: StoreKind; rest: string } {
  const colon = address.indexOf(":");
  const kind = kinds[address.slice(0, Math.max(colon, 0)).toLowerCase()];
  const rest = address.slice(colon + 1);
  if (!kind) {
    throw new TypeError(
      "a store address starts with memory:, sqlite:, redis:// (rediss, redis+cluster, rediss+cluster), postgres:// or dynamodb://",
    );
  }
  if (kind === "sqlite" && (rest === "" || rest === ":memory:")) {
    throw new TypeError("store sqlite: needs a path, as in sqlite:./data/stategate.db");
  }
  return { kind, rest };
}
