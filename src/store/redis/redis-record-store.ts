import type { Clock } from "../../kit/clock.ts";
import { rangeOfNames } from "../name-range.ts";
import type { NamedRecord, RecordStore } from "../record-store.ts";
import { putRecord, removeRecord, replaceRecord } from "./record-scripts.ts";
import { type RedisConnection, translated } from "./redis-connection.ts";
import type { RedisNames } from "./redis-names.ts";

const SMALLEST_CHUNK = 16;
const INCLUSIVE = Buffer.from("[");
const EXCLUSIVE = Buffer.from("(");

/** Redis overwrites nothing on disk: removed bytes leave its append-only file and snapshot when it next rewrites them. */
export function createRedisRecordStore(
  { client, callScript }: RedisConnection,
  names: RedisNames,
  clock: Clock,
): RecordStore {
  const keysOf = (name: string): string[] => [names.record(name), names.recordNames, names.recordEnds];
  const read = async (name: string): Promise<NamedRecord | undefined> => {
    const [bytes, ends] = await client.hmgetBuffer(names.record(name), "b", "e");
    if (!bytes || !ends) return undefined;
    if (ends.length === 0) return { name, bytes };
    const expiresAt = Number(ends);
    return expiresAt > clock() ? { name, bytes, expiresAt } : undefined;
  };
  const readAll = async (found: readonly string[]): Promise<NamedRecord[]> =>
    (await Promise.all(found.map(read))).filter((record) => record !== undefined);

  return {
    read: async (name) => (await translated(read(name)))?.bytes,
    async putIfAbsent(name, bytes, expiresAt) {
      const values = [clock(), name, bytes, expiresAt ?? ""];
      const held = await translated(callScript(putRecord, keysOf(name), values));
      if (!Buffer.isBuffer(held)) throw new TypeError("unexpected answer of a Redis script");
      return held;
    },
    async replace(name, { expected, bytes, expiresAt = "" }) {
      const values = [clock(), name, bytes, expiresAt, expected];
      return (await translated(callScript(replaceRecord, keysOf(name), values))) === 1;
    },
    async remove(name) {
      const values = [clock(), name];
      return (await translated(callScript(removeRecord, keysOf(name), values))) === 1;
    },
    async list(prefix, { limit, after }) {
      const records: NamedRecord[] = [];
      const chunk = Math.max(limit, SMALLEST_CHUNK);
      for (let last = after; records.length < limit;) {
        const { from, to } = rangeOfNames(prefix, last);
        const range = [Buffer.concat([INCLUSIVE, from]), Buffer.concat([EXCLUSIVE, to])] as const;
        const found = await translated(client.zrange(names.recordNames, ...range, "BYLEX", "LIMIT", 0, chunk));
        records.push(...(await translated(readAll(found))));
        if (found.length < chunk) break;
        last = found.at(-1);
      }
      return records.slice(0, limit);
    },
  };
}
