import type { Clock } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { LeaseStore } from "../lease-store.ts";
import type { StoreBackend } from "../store-backend.ts";
import { adoptFirstKeys } from "./adopt-first-keys.ts";
import { createOwnerIndex } from "./owner-index.ts";
import { createRedisAuditStore } from "./redis-audit-store.ts";
import { connectRedis, type RedisConnection, translated } from "./redis-connection.ts";
import { createRedisNames, type RedisNames } from "./redis-names.ts";
import { createRedisNoticeStore } from "./redis-notice-store.ts";
import { createRedisPartitions } from "./redis-partitions.ts";
import { createRedisQuotaStore } from "./redis-quota-store.ts";
import { createRedisRecordStore } from "./redis-record-store.ts";
import { redisScript } from "./redis-script.ts";
import { createRedisSessionStore } from "./redis-session-store.ts";

export interface RedisBackendOptions {
  /** As `redis-address.ts` reads it. */
  readonly url: string;
  readonly clock: Clock;
  /** After this a call rejects; the command itself is not recalled and may still be carried out. */
  readonly commandTimeoutMs: number;
  /** Stands before every key, so that several gateways can share a server. */
  readonly keyPrefix: string;
  readonly log: Log;
}

/**
 * Many gateways, one Redis. Durable as the server's append-only file makes it; says so in the log when that is off.
 * Rejects with `store_unavailable` when the server cannot be reached now.
 */
export async function openRedisBackend(options: RedisBackendOptions): Promise<StoreBackend> {
  const { clock, keyPrefix } = options;
  const connection = await connectRedis(options);
  const names = createRedisNames(keyPrefix);
  const records = createRedisRecordStore(connection, names, clock);
  await adoptFirstKeys(connection, names, records).catch(async (cause: unknown) => {
    await connection.close();
    throw cause;
  });
  let closing: Promise<void> | undefined;
  const index = createOwnerIndex({ connection, names, clock });
  const { follow, settled } = followWrites();
  return {
    sessions: createRedisSessionStore({ connection, names, index, clock, follow }),
    records,
    leases: createRedisLeaseStore(connection, names),
    quotas: createRedisQuotaStore(connection, names, clock),
    notices: createRedisNoticeStore(connection, names),
    audit: createRedisAuditStore(connection, names),
    partitionOf: createRedisPartitions(connection, names),
    async ping() {
      // In a cluster one is enough: what has lost its node fails by itself, and the rest goes on.
      await translated(Promise.any(connection.primaries().map((primary) => primary.ping())));
    },
    close: () => (closing ??= settled().then(() => connection.close())),
  };
}

/** The end of the connection waits for writes of several steps that have begun. */
function followWrites() {
  const underway = new Set<Promise<unknown>>();
  const follow = <T>(write: Promise<T>): Promise<T> => {
    underway.add(write);
    const forget = (): void => void underway.delete(write);
    write.then(forget, forget);
    return write;
  };
  return { follow, settled: () => Promise.allSettled(underway) };
}

/** Arguments: holder. */
const releaseLease = redisScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`);

/** Leases run by the server's clock, the one that all replicas share. */
function createRedisLeaseStore({ client, callScript }: RedisConnection, names: RedisNames): LeaseStore {
  return {
    async acquire(name, holder, ttlMs) {
      return (await translated(client.set(names.lease(name), holder, "PX", ttlMs, "NX"))) === "OK";
    },
    async release(name, holder) {
      await translated(callScript(releaseLease, [names.lease(name)], [holder]));
    },
  };
}
