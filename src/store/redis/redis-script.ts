import { hash } from "node:crypto";

import { Command } from "ioredis";

import { encodeCommand } from "./encode-command.ts";
import type { RedisClient } from "./redis-connection.ts";

/** A server knows a script by the SHA-1 of its text, once that was sent. */
export interface RedisScript {
  readonly lua: string;
  readonly sha: string;
}

type Argument = string | number | Buffer;

export const redisScript = (lua: string): RedisScript => ({ lua, sha: hash("sha1", lua) });

/** Resolves to the answer: strings as Buffers, integers as numbers. Rejects with the driver's errors. */
export function callScript(
  client: RedisClient,
  script: RedisScript,
  { keys, values }: { readonly keys: readonly string[]; readonly values: readonly Argument[] },
): Promise<unknown> {
  const call = new ScriptCall(client, script, [script.sha, keys.length, ...keys, ...values]);
  client.sendCommand(call);
  return call.promise;
}

/**
 * The driver's own scripts cost three times as much: a second command that wraps the first, a copy of each argument, a
 * promise that waits for the failure. Sent by its digest; by its text where the server does not know that, which it
 * says before it does anything: one that was restarted or flushed, a replica that has taken over, another node.
 */
class ScriptCall extends Command {
  constructor(client: RedisClient, { lua }: RedisScript, args: Argument[]) {
    super("evalsha");
    this.args = args;
    const { reject } = this;
    this.reject = (cause) => {
      const isUnknown = this.name === "evalsha" && cause.message.startsWith("NOSCRIPT");
      if (this.isSettled || !isUnknown) return reject(cause);
      this.name = "eval";
      args[0] = lua;
      client.sendCommand(this);
    };
  }

  override toWritable(): string | Buffer {
    return encodeCommand(this.name, this.args as Argument[]);
  }
}
