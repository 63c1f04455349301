import type { Redis } from "ioredis";

import type { RecordStore } from "../record-store.ts";
import { type RedisConnection, translated } from "./redis-connection.ts";
import { assertSameLayout, readLayout } from "./redis-layout.ts";
import type { RedisNames } from "./redis-names.ts";

/**
 * The first release kept keys as plain strings without an index. Each becomes a record before its string goes, so this
 * may break off anywhere, run again, and run in several replicas at once. The one scan is done once in a server's life.
 */
export async function adoptFirstKeys(
  connection: RedisConnection,
  names: RedisNames,
  records: RecordStore,
): Promise<void> {
  const { client } = connection;
  if ((await translated(client.exists(names.firstKeysAdopted))) === 1) return;
  const layout = await translated(readLayout(connection));
  const start = names.firstKey("");
  const adopt = async (key: string): Promise<void> => {
    const bytes = await translated(client.getBuffer(key));
    if (bytes) await records.putIfAbsent(key.slice(start.length), bytes);
    await translated(client.del(key));
  };
  for (const primary of layout.primaries) {
    for await (const key of scanKeys(primary, start)) await adopt(key);
  }
  assertSameLayout(layout.fingerprint, await translated(readLayout(connection)));
  await translated(client.set(names.firstKeysAdopted, "1"));
}

async function* scanKeys(primary: Redis, start: string): AsyncGenerator<string> {
  const pattern = `${start.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)}*`;
  for (let cursor = "0"; ;) {
    const scan = primary.scan(cursor, "MATCH", pattern, "COUNT", 1_000, "TYPE", "string");
    const [next, keys] = await translated(scan);
    yield* keys;
    if (next === "0") return;
    cursor = next;
  }
}
