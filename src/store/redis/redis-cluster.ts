import { Cluster, Command, Redis } from "ioredis";

import type { Log } from "../../kit/log.ts";
import { giveUpSilent } from "./give-up-silent.ts";
import type { RedisAddress } from "./redis-address.ts";
import type { ConnectedRedis, NodeOptions } from "./redis-connection.ts";
import { writeTogether } from "./write-together.ts";

export interface ClusterParts {
  readonly nodes: RedisAddress["nodes"];
  readonly common: NodeOptions;
  readonly silentMs: number;
  readonly log: Log;
}

/**
 * A cluster, known through any of its nodes. A command that a node redirects was not carried out there and is sent on;
 * one whose node is gone is rejected and not sent again. Rejects with the driver's error when no node answers now.
 */
export async function connectCluster({ nodes, common, silentMs, log }: ClusterParts): Promise<ConnectedRedis> {
  const client = new Cluster([...nodes], {
    redisOptions: common,
    lazyConnect: true,
    enableOfflineQueue: false,
    // It asks any node, also one that is gone, and a cluster that serves nothing says so to every command.
    enableReadyCheck: false,
    // Both mean: sent again although nobody knows, or after a wait in which the caller has given up.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    clusterRetryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 5), 1_000),
    // Names stay names: a certificate is made out to them, and they are looked up anew with each connection.
    dnsLookup: (host, callback) => callback(null, host),
  });
  client.on("+node", writeTogether);
  client.on("+node", (node: Redis) => giveUpSilent(node, silentMs));
  connectNodesEarly(client);
  const errors = keepLastErrors(client);
  try {
    await client.connect();
  } catch (cause) {
    client.disconnect();
    throw (await whyUnreachable(nodes[0], common)) ?? cause;
  }
  const primaries = client.nodes("master");
  await Promise.all(primaries.map(untilSettled));
  if (!primaries.some(({ status }) => status === "ready")) {
    client.disconnect();
    throw (
      [...errors.values()].at(-1) ?? new Error("no node of the cluster can be reached where the cluster says it is")
    );
  }
  reportNodes({ client, log, errors });
  return {
    client,
    isCluster: true,
    primaries: () => client.nodes("master"),
    primaryOf: (key) => client.slots[new Command("GET", [key]).getSlot()]?.[0],
    close: () => closeCluster(client),
  };
}

/** The driver says that connections are closed; one that is made by hand says why. */
async function whyUnreachable(node: RedisAddress["nodes"][number] | undefined, common: NodeOptions): Promise<unknown> {
  const probe = new Redis({ ...common, ...node, lazyConnect: true, retryStrategy: () => null });
  let reason: unknown;
  probe.on("error", (error: Error) => (reason ??= error));
  await probe.connect().catch(() => undefined);
  probe.disconnect();
  return reason;
}

/**
 * Without a queue the driver rejects what meets a connection that is only being made, so they are made beforehand.
 * What made the driver look for a node begins the connection itself: it goes first.
 */
function connectNodesEarly(client: Cluster): void {
  const connect = (node: Redis): void => {
    if (client.status === "ready" && node.status === "wait") node.connect().catch(() => undefined);
  };
  client.on("ready", () => client.nodes("all").forEach(connect));
  client.on("+node", (node: Redis) => setImmediate(connect, node));
  // Listening also keeps the driver from printing its errors.
  client.on("error", () => undefined);
}

/** Resolves when the connection is ready or has failed. */
function untilSettled(node: Redis): Promise<void> {
  return new Promise((resolve) => {
    if (node.status === "ready" || node.status === "end") return resolve();
    node.once("ready", resolve);
    node.once("end", resolve);
  });
}

async function closeCluster(client: Cluster): Promise<void> {
  try {
    // One that lost all its nodes never says "end".
    const ended = client.nodes().length > 0 && new Promise((resolve) => client.once("end", resolve));
    await client.quit();
    await ended;
  } catch {
    client.disconnect();
  }
}

/** By node. */
function keepLastErrors(client: Cluster): ReadonlyMap<string, Error> {
  const errors = new Map<string, Error>();
  client.on("node error", (error: Error, node: string) => errors.set(node, error));
  return errors;
}

/** One line when a node is lost and one when it is back, however often it is tried meanwhile. */
function reportNodes({ client, log, errors }: { client: Cluster; log: Log; errors: ReadonlyMap<string, Error> }): void {
  const lost = new Set<string>();
  client.on("-node", (redis: Redis) => {
    const node = nameOf(redis);
    if (lost.has(node) || client.status === "disconnecting") return;
    lost.add(node);
    log.warn({ node, error: errors.get(node)?.message ?? "closed by the server" }, "redis_node_disconnected");
  });
  client.on("+node", (redis: Redis) => {
    redis.once("ready", () => {
      if (lost.delete(nameOf(redis))) log.info({ node: nameOf(redis) }, "redis_node_connected");
    });
  });
}

const nameOf = ({ options }: Redis): string => `${options.host}:${options.port}`;
