import { readFile } from "node:fs/promises";
import type { SecureContextOptions } from "node:tls";

import type { Command, Redis, RedisCommander, RedisOptions } from "ioredis";

import { GatewayError } from "../../errors/gateway-error.ts";
import type { Log } from "../../kit/log.ts";
import { storeUnavailable } from "../store-unavailable.ts";
import { parseRedisAddress, type RedisAddress } from "./redis-address.ts";
import { connectCluster } from "./redis-cluster.ts";
import { type CallScript, createScriptCalls } from "./redis-script.ts";
import { connectServer } from "./redis-server.ts";

export interface RedisConnectionOptions {
  /** As `redis-address.ts` reads it. */
  readonly url: string;
  readonly commandTimeoutMs: number;
  readonly log: Log;
}

/** The same for one server and for each node of a cluster. */
export type NodeOptions = Omit<RedisOptions, "replyMapping">;

/** What sends commands, each to the node that has its key. */
export interface RedisClient extends RedisCommander<{ type: "default"; mapping: "resp2" }> {
  sendCommand(command: Command): unknown;
}

export interface RedisConnection extends ConnectedRedis {
  readonly callScript: CallScript;
}

export interface ConnectedRedis {
  readonly client: RedisClient;
  readonly isCluster: boolean;
  /** The connections to every primary that is there now; in a cluster others may be gone. */
  primaries(): Redis[];
  /** In a cluster, where the primary of a key is (`host:port`) as far as it is known. */
  readonly primaryOf?: (key: string) => string | undefined;
  /** Waits for answers to what was sent. */
  close(): Promise<void>;
}

/**
 * Connects, and reconnects by itself later. Rejects with `store_unavailable` when the server cannot be reached now, with
 * TypeError when the address means nothing or names a file that cannot be read.
 */
export async function connectRedis({ url, commandTimeoutMs, log }: RedisConnectionOptions): Promise<RedisConnection> {
  const address = parseRedisAddress(url);
  const common = { ...commonOptions(commandTimeoutMs), ...(await credentialsOf(address)) };
  const parts = { common, silentMs: Math.max(10 * commandTimeoutMs, 5_000), log };
  const connection = await (
    address.isCluster ? connectCluster({ nodes: address.nodes, ...parts }) : connectServer({ address, ...parts })
  ).catch((cause: unknown) => Promise.reject(redisUnavailable(cause)));
  try {
    await warnOfRisks(connection.primaries(), log);
    return { ...connection, callScript: createScriptCalls(connection.client, commandTimeoutMs) };
  } catch (cause) {
    await connection.close();
    throw redisUnavailable(cause);
  }
}

/** Rejections of the driver become the one error kind of a store; mistakes of the caller stay what they are. */
export const translated = <T>(call: Promise<T>): Promise<T> => call.catch(rethrow);

/** What `read` makes of an answer; errors as `translated` has them. */
export const readAnswer = <T, Answer>(call: Promise<T>, read: (reply: T) => Answer): Promise<Answer> =>
  call.then(read, rethrow);

export function rethrow(cause: unknown): never {
  throw cause instanceof GatewayError ? cause : redisUnavailable(cause);
}

/** The driver's own error is left behind: it carries the command, and with it keys, bytes, even the password. */
function redisUnavailable(cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return storeUnavailable(`the Redis store cannot answer: ${reason}`);
}

function commonOptions(commandTimeoutMs: number): NodeOptions {
  return {
    noDelay: true,
    // Else every connection names its driver, which a user of few rights may not.
    disableClientInfo: true,
    commandTimeout: commandTimeoutMs,
    connectTimeout: Math.max(commandTimeoutMs, 1_000),
    // A commit is never sent twice behind its caller's back.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
  };
}

async function credentialsOf({ username, password, tls }: RedisAddress): Promise<NodeOptions> {
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: await readTlsFiles(tls) }),
  };
}

async function readTlsFiles(files: NonNullable<RedisAddress["tls"]>): Promise<SecureContextOptions> {
  const read = async ([option, path]: [string, string]): Promise<[string, Buffer]> => {
    const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
      const parameter = `tls${option.charAt(0).toUpperCase()}${option.slice(1)}`;
      throw new TypeError(`store rediss: cannot read ${parameter}: ${cause.code}, ${path}`);
    });
    return [option, bytes];
  };
  return Object.fromEntries(await Promise.all(Object.entries(files).map(read)));
}

/** What we promise needs servers that neither forget keys under pressure nor keep them in memory only. */
async function warnOfRisks(primaries: readonly Redis[], log: Log): Promise<void> {
  const infos = await Promise.all(primaries.map((primary) => primary.info()));
  const policies = infos.map((info) => /^maxmemory_policy:(\S+)/m.exec(info)?.[1]);
  const policy = policies.find((name) => name?.startsWith("allkeys"));
  if (policy !== undefined) log.warn({ policy }, "redis_may_evict_keys");
  if (infos.some((info) => /^aof_enabled:0/m.test(info))) log.warn({}, "redis_append_only_file_off");
}
