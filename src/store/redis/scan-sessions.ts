import type { Redis } from "ioredis";

import type { Clock } from "../../kit/clock.ts";
import type { ScannedKeys } from "../session-store.ts";
import type { RedisNames } from "./redis-names.ts";

const LOOKED_AT = 1_000;

/** One step of Redis' own cursor, which names what is there throughout at least once. */
export async function scanSessions(
  { client, names, clock }: { client: Redis; names: RedisNames; clock: Clock },
  after = "0",
): Promise<ScannedKeys> {
  const [start = "", end = ""] = names.session("\0").split("\0");
  const pattern = `${start.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)}*`;
  const [next, found] = await client.scan(after, "MATCH", pattern, "COUNT", LOOKED_AT, "TYPE", "hash");
  const ends = await Promise.all(found.map((name) => client.hget(name, "e")));
  const live = found.filter((_, index) => Number(ends[index]) > clock());
  const keys = live.map((name) => name.slice(start.length, name.length - end.length));
  return next === "0" ? { keys } : { keys, next };
}
