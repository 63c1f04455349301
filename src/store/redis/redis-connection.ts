import { Redis } from "ioredis";

import type { Log } from "../../kit/log.ts";
import { storeUnavailable } from "../store-unavailable.ts";
import { redisScripts } from "./redis-scripts.ts";

export interface RedisConnectionOptions {
  /** `redis://` or `rediss://`. */
  readonly url: string;
  readonly commandTimeoutMs: number;
  readonly log: Log;
}

/** Connects, and rejects with `store_unavailable` when the server cannot be reached now. Reconnects by itself later. */
export async function connectRedis({ url, commandTimeoutMs, log }: RedisConnectionOptions): Promise<Redis> {
  const client = new Redis(url, {
    lazyConnect: true,
    noDelay: true,
    scripts: redisScripts,
    commandTimeout: commandTimeoutMs,
    connectTimeout: Math.max(commandTimeoutMs, 1_000),
    // A peer that went silent without a word (a failed host, a dropped NAT entry) is given up and dialled again.
    socketTimeout: Math.max(10 * commandTimeoutMs, 5_000),
    // A request waits for no reconnect, and a commit is never sent twice behind its caller's back.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 5), 1_000),
    // After a failover the old primary answers READONLY; the address leads to the new one.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
  });
  const lastError = keepLastError(client);
  try {
    await client.connect();
    await warnOfRisks(client, log);
  } catch (cause) {
    client.disconnect();
    // The driver rejects with "Connection is closed"; why it is closed was an event.
    throw redisUnavailable(lastError() ?? cause);
  }
  reportConnection({ client, log, lastError });
  return client;
}

/** Rejections of the driver become the one error kind of a store; mistakes of the caller stay what they are. */
export async function translated<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (cause) {
    throw redisUnavailable(cause);
  }
}

export async function closeRedis(client: Redis): Promise<void> {
  try {
    const ended = new Promise((resolve) => client.once("end", resolve));
    // QUIT is answered after every command before it, so accepted writes are waited for.
    await client.quit();
    await ended;
  } catch {
    // Not connected now, or closed before. A client between two attempts to connect never says "end".
    client.disconnect();
  }
}

function redisUnavailable(cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return storeUnavailable(`the Redis store cannot answer: ${reason}`, cause);
}

/** Listening also keeps the driver from printing its errors. */
function keepLastError(client: Redis): () => Error | undefined {
  let last: Error | undefined;
  client.on("error", (error: Error) => (last = error));
  return () => last;
}

function reportConnection(parts: { client: Redis; log: Log; lastError: () => Error | undefined }): void {
  const { client, log, lastError } = parts;
  let connected = true;
  client.on("ready", () => {
    if (!connected) log.info({}, "redis_connected");
    connected = true;
  });
  client.on("reconnecting", () => {
    if (connected) log.warn({ error: lastError()?.message ?? "closed by the server" }, "redis_disconnected");
    connected = false;
  });
}

/** What we promise needs a server that neither forgets keys under pressure nor keeps them in memory only. */
async function warnOfRisks(client: Redis, log: Log): Promise<void> {
  const info = await client.info();
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy?.startsWith("allkeys")) log.warn({ policy }, "redis_may_evict_keys");
  if (/^aof_enabled:0/m.test(info)) log.warn({}, "redis_append_only_file_off");
}
