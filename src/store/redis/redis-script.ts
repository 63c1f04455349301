import { hash } from "node:crypto";

import { Command } from "ioredis";

import { createTimeLimit, type TimeLimit } from "../../kit/time-limit.ts";
import { encodeCommand, type Word } from "./encode-command.ts";
import type { RedisClient } from "./redis-connection.ts";

/** A server knows a script by the SHA-1 of its text, once that was sent. */
export interface RedisScript {
  readonly lua: string;
  readonly sha: string;
}

/** Resolves to the answer: strings as Buffers, integers as numbers. Rejects with the driver's errors. */
export type CallScript = (script: RedisScript, keys: readonly string[], values: readonly Word[]) => Promise<unknown>;

export const redisScript = (lua: string): RedisScript => ({ lua, sha: hash("sha1", lua) });

export function createScriptCalls(client: RedisClient, timeoutMs: number): CallScript {
  const underWay = createTimeLimit(timeoutMs, () => new Error("Command timed out"));
  return ({ lua, sha }, keys, values) => {
    const call = new ScriptCall([sha, keys.length, ...keys, ...values], { client, lua, underWay });
    client.sendCommand(call);
    return call.promise;
  };
}

interface CallParts {
  readonly client: RedisClient;
  readonly lua: string;
  readonly underWay: TimeLimit;
}

/**
 * Sent by its digest; by its text where the server does not know that, which it says before it does anything: one that was
 * restarted or flushed, a replica that has taken over, another node. The driver's own scripts do so too, but make of every
 * call a second command, a second promise and a timer.
 */
class ScriptCall extends Command {
  readonly startedAt = performance.now();
  readonly #underWay: TimeLimit;

  constructor(words: Word[], { client, lua, underWay }: CallParts) {
    super("evalsha");
    this.args = words;
    this.#underWay = underWay;
    underWay.add(this);
    const { reject } = this;
    this.reject = (cause) => {
      const isUnknown = this.name === "evalsha" && cause.message.startsWith("NOSCRIPT");
      if (isUnknown && !this.isSettled) {
        this.name = "eval";
        words[0] = lua;
        client.sendCommand(this);
      } else {
        underWay.delete(this);
        reject(cause);
      }
    };
  }

  /** The driver's own; one timer watches all calls instead. */
  override setTimeout(): void {}

  /** What comes first when there is an answer. */
  override transformReply(reply: Buffer | Buffer[]): Buffer | Buffer[] {
    this.#underWay.delete(this);
    return reply;
  }

  override toWritable(): string | Buffer {
    return encodeCommand(this.name, this.args as Word[]);
  }
}
