import type { Redis } from "ioredis";

import type { Clock } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { LeaseStore } from "../lease-store.ts";
import { missingContracts, missingRecordMethods } from "../missing-contracts.ts";
import type { RecordStore } from "../record-store.ts";
import type { StoreBackend } from "../store-backend.ts";
import { createOwnerIndex } from "./owner-index.ts";
import { closeRedis, connectRedis, translated } from "./redis-connection.ts";
import { createRedisNames, type RedisNames } from "./redis-names.ts";
import { createRedisSessionStore } from "./redis-session-store.ts";

export interface RedisBackendOptions {
  /** `redis://` or `rediss://`. */
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
  const client = await connectRedis(options);
  const names = createRedisNames(keyPrefix);
  let closing: Promise<void> | undefined;
  const index = createOwnerIndex({ client, names, clock });
  return {
    sessions: createRedisSessionStore({ client, names, index, clock }),
    records: createRedisRecordStore(client, names),
    ...missingContracts,
    leases: createRedisLeaseStore(client, names),
    async ping() {
      await translated(client.ping());
    },
    close: () => (closing ??= closeRedis(client)),
  };
}

function createRedisRecordStore(client: Redis, names: RedisNames): RecordStore {
  const read = async (name: string): Promise<Buffer | undefined> =>
    (await translated(client.getBuffer(names.key(name)))) ?? undefined;
  return {
    read,
    async putIfAbsent(name, bytes) {
      const written = await translated(client.set(names.key(name), bytes, "NX"));
      return written === "OK" ? Buffer.from(bytes) : ((await read(name)) ?? this.putIfAbsent(name, bytes));
    },
    ...missingRecordMethods,
  };
}

/** Leases run by the server's clock, the one that all replicas share. */
function createRedisLeaseStore(client: Redis, names: RedisNames): LeaseStore {
  return {
    async acquire(name, holder, ttlMs) {
      return (await translated(client.set(names.lease(name), holder, "PX", ttlMs, "NX"))) === "OK";
    },
    async release(name, holder) {
      await translated(client.leaseRelease(names.lease(name), holder));
    },
  };
}
