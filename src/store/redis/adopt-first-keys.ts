import type { Redis } from "ioredis";

import type { RecordStore } from "../record-store.ts";
import { translated } from "./redis-connection.ts";
import type { RedisNames } from "./redis-names.ts";

/**
 * The first release kept keys as plain strings without an index. Each becomes a record before its string goes, so this
 * may break off anywhere, run again, and run in several replicas at once. The one scan is done once in a server's life.
 */
export async function adoptFirstKeys(client: Redis, names: RedisNames, records: RecordStore): Promise<void> {
  if ((await translated(client.exists(names.firstKeysAdopted))) === 1) return;
  const start = names.firstKey("");
  const pattern = `${start.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)}*`;
  for (let cursor = "0"; ;) {
    const [next, keys] = await translated(client.scan(cursor, "MATCH", pattern, "COUNT", 1_000, "TYPE", "string"));
    for (const key of keys) {
      const bytes = await translated(client.getBuffer(key));
      if (bytes) await records.putIfAbsent(key.slice(start.length), bytes);
      await translated(client.del(key));
    }
    if (next === "0") break;
    cursor = next;
  }
  await translated(client.set(names.firstKeysAdopted, "1"));
}
