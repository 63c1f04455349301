import type { RequestMessage } from "../protocol/chat-request.ts";
import { CommandError } from "./command.ts";

type AskedAt = (fresh: readonly RequestMessage[], before: number | undefined) => number;

/** When the requests of a conversation are taken to have been made. */
export interface Pace {
  /** Between requests that carry no time of their own. */
  readonly gapSeconds: number;
  readonly asked: AskedAt;
  /** The same requests, each after the prompt cache has forgotten the one before. */
  readonly cold: AskedAt;
}

const DEFAULT_GAP_SECONDS = 60;

/** @throws CommandError */
export function paceOf(given: string | undefined, ttlSeconds: number): Pace {
  if (given !== undefined && !/^\d{1,9}$/.test(given)) throw new CommandError("--gap-seconds takes whole seconds");
  const gapSeconds = given === undefined ? Math.min(DEFAULT_GAP_SECONDS, ttlSeconds) : Number(given);
  const coldSeconds = ttlSeconds + 1;
  return {
    gapSeconds,
    asked: (fresh, before) => {
      const next = before === undefined ? 0 : before + gapSeconds * 1000;
      const stated = fresh.map(({ message }) => statedTime(message)).findLast((time) => time !== undefined);
      return stated === undefined ? next : Math.max(stated, before ?? 0);
    },
    cold: (_fresh, before) => (before === undefined ? 0 : before + coldSeconds * 1000),
  };
}

const timeFields = ["timestamp", "created_at", "create_time", "createdAt", "created"] as const;
/** Above this a number counts milliseconds: as seconds it would lie in the year 5138. */
const FIRST_MILLISECONDS = 1e11;

/** Exports name the time in many ways: seconds or milliseconds since 1970, or a date. */
function statedTime(message: Readonly<Record<string, unknown>>): number | undefined {
  for (const field of timeFields) {
    const value = message[field];
    const time = typeof value === "string" ? Date.parse(value) : value;
    if (typeof time === "number" && time > 0) return time < FIRST_MILLISECONDS ? time * 1000 : time;
  }
  return undefined;
}
