import type { Clock } from "../../kit/clock.ts";
import type { ScannedKeys } from "../session-store.ts";
import type { RedisConnection } from "./redis-connection.ts";
import { assertSameLayout, readLayout } from "./redis-layout.ts";
import type { RedisNames } from "./redis-names.ts";

const LOOKED_AT = 1_000;

export interface ScanParts {
  readonly connection: RedisConnection;
  readonly names: RedisNames;
  readonly clock: Clock;
}

/**
 * One step of Redis' own cursor, which names what is there throughout at least once; in a cluster one primary after the
 * other. Keys that change their node meanwhile could be missed, so such a walk rejects with `store_unavailable`.
 */
export async function scanSessions(parts: ScanParts, after: string | undefined): Promise<ScannedKeys> {
  const { connection } = parts;
  const layout = await readLayout(connection);
  // The layout of a cluster has commas and colons, but no space.
  const [place = "0", cursor = "0", fingerprint = layout.fingerprint] = after?.split(" ") ?? [];
  assertSameLayout(fingerprint, layout);
  const { keys, next } = await scanStep(parts, layout.primaries[Number(place)], cursor);
  if (next !== "0") return { keys, next: `${place} ${next} ${fingerprint}` };
  if (Number(place) + 1 < layout.primaries.length) return { keys, next: `${Number(place) + 1} 0 ${fingerprint}` };
  assertSameLayout(fingerprint, await readLayout(connection));
  return { keys };
}

async function scanStep(
  { connection: { client }, names, clock }: ScanParts,
  primary: RedisConnection["client"] = client,
  cursor: string,
): Promise<{ keys: string[]; next: string }> {
  const [start = "", end = ""] = names.session("\0").split("\0");
  const pattern = `${start.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)}*`;
  const [next, found] = await primary.scan(cursor, "MATCH", pattern, "COUNT", LOOKED_AT, "TYPE", "hash");
  const ends = await Promise.all(found.map((name) => client.hget(name, "e")));
  const live = found.filter((_, index) => Number(ends[index]) > clock());
  return { keys: live.map((name) => name.slice(start.length, name.length - end.length)), next };
}
