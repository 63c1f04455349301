import { Cluster, type Redis } from "ioredis";

import type { Log } from "../../kit/log.ts";
import type { RedisAddress } from "./redis-address.ts";
import type { NodeOptions, RedisConnection } from "./redis-connection.ts";
import { redisScripts } from "./redis-scripts.ts";

export interface ClusterParts {
  readonly nodes: RedisAddress["nodes"];
  readonly common: NodeOptions;
  readonly log: Log;
}

/**
 * A cluster, known through any of its nodes. A command that a node redirects was not carried out there and is sent on;
 * one whose node is gone is rejected and not sent again. Rejects with the driver's error when no node answers now, or
 * when the cluster serves nothing because slots are missing.
 */
export async function connectCluster({ nodes, common, log }: ClusterParts): Promise<RedisConnection> {
  const client = new Cluster([...nodes], {
    redisOptions: common,
    scripts: redisScripts,
    lazyConnect: true,
    enableOfflineQueue: false,
    // Both mean: sent again although nobody knows, or after a wait in which the caller has given up.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    clusterRetryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 5), 1_000),
    // Names stay names: a certificate is made out to them, and they are looked up anew with each connection.
    dnsLookup: (host, callback) => callback(null, host),
  });
  const lastErrorOf = keepLastErrors(client);
  connectNodesEarly(client);
  try {
    await untilReady(client);
  } catch (cause) {
    client.disconnect();
    throw lastErrorOf() ?? cause;
  }
  reportNodes({ client, log, lastErrorOf });
  return { client, isCluster: true, primaries: () => client.nodes("master"), close: () => closeCluster(client) };
}

/** The driver's own promise stays open when it finds the cluster down; that it hangs up then is an event. */
async function untilReady(client: Cluster): Promise<void> {
  await new Promise((resolve, reject) => {
    client.once("ready", resolve);
    client.once("close", () => reject(new Error("the cluster does not serve: a slot has no node")));
    client.connect().catch(reject);
  });
  await Promise.all(client.nodes("master").map(untilSettled));
}

/**
 * Without a queue the driver rejects what meets a connection that is only being made, so they are made beforehand; not
 * before it is ready, because its own first question would meet one, and not before what asked for a node has begun it.
 */
function connectNodesEarly(client: Cluster): void {
  const connect = (node: Redis): void => {
    if (client.status === "ready" && node.status === "wait") node.connect().catch(() => undefined);
  };
  client.on("ready", () => client.nodes("all").forEach(connect));
  client.on("+node", (node: Redis) => setImmediate(connect, node));
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
    const ended = new Promise((resolve) => client.once("end", resolve));
    await client.quit();
    await ended;
  } catch {
    client.disconnect();
  }
}

function keepLastErrors(client: Cluster): (node?: string) => Error | undefined {
  const byNode = new Map<string, Error>();
  let last: Error | undefined;
  client.on("node error", (error: Error, node: string) => {
    byNode.set(node, error);
    last = error;
  });
  client.on("error", () => undefined);
  return (node) => (node === undefined ? last : byNode.get(node));
}

/** One line when a node is lost and one when it is back, however often it is tried meanwhile. */
function reportNodes(parts: { client: Cluster; log: Log; lastErrorOf: (node: string) => Error | undefined }): void {
  const { client, log, lastErrorOf } = parts;
  const lost = new Set<string>();
  client.on("-node", ({ options }: Redis) => {
    const node = `${options.host}:${options.port}`;
    if (lost.has(node) || client.status === "disconnecting") return;
    lost.add(node);
    log.warn({ node, error: lastErrorOf(node)?.message ?? "closed by the server" }, "redis_node_disconnected");
  });
  client.on("+node", (redis: Redis) => {
    const node = `${redis.options.host}:${redis.options.port}`;
    redis.once("ready", () => {
      if (lost.delete(node)) log.info({ node }, "redis_node_connected");
    });
  });
}
