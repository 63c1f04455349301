import { Redis } from "ioredis";

import type { Log } from "../../kit/log.ts";
import { giveUpSilent } from "./give-up-silent.ts";
import type { RedisAddress } from "./redis-address.ts";
import type { ConnectedRedis, NodeOptions } from "./redis-connection.ts";
import { writeTogether } from "./write-together.ts";

export interface ServerParts {
  readonly address: RedisAddress;
  readonly common: NodeOptions;
  readonly silentMs: number;
  readonly log: Log;
}

/** One server. Rejects with the driver's error when it cannot be reached now. */
export async function connectServer({ address, common, silentMs, log }: ServerParts): Promise<ConnectedRedis> {
  const client = new Redis({
    ...common,
    ...address.nodes[0],
    db: address.database ?? 0,
    lazyConnect: true,
    // A request waits for no reconnect.
    enableOfflineQueue: false,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 5), 1_000),
    // After a failover the old primary answers READONLY; the address leads to the new one.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
  });
  writeTogether(client);
  giveUpSilent(client, silentMs);
  const lastError = keepLastError(client);
  try {
    await client.connect();
  } catch (cause) {
    client.disconnect();
    // The driver rejects with "Connection is closed"; why it is closed was an event.
    throw lastError() ?? cause;
  }
  reportConnection({ client, log, lastError });
  return { client, isCluster: false, primaries: () => [client], close: () => closeServer(client) };
}

async function closeServer(client: Redis): Promise<void> {
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
