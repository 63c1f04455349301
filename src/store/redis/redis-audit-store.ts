import { assertPlacesDiffer, auditPlaceTaken } from "../audit-place-taken.ts";
import type { AuditPage, AuditRow, AuditStore } from "../audit-store.ts";
import { decodeAuditRow, encodeAuditRow } from "./audit-row.ts";
import { appendAudit } from "./audit-scripts.ts";
import { type RedisConnection, translated } from "./redis-connection.ts";
import type { RedisNames } from "./redis-names.ts";

const SMALLEST_CHUNK = 16;

type Place = NonNullable<AuditPage["before"]>;

export function createRedisAuditStore({ client, callScript }: RedisConnection, names: RedisNames): AuditStore {
  const readRows = async (places: readonly Place[]): Promise<AuditRow[]> => {
    const read = ({ chain, sequence }: Place): Promise<Buffer[]> =>
      client.zrangeBuffer(names.auditChain(chain), sequence, String(sequence), "BYSCORE");
    const found = await Promise.all(places.map(read));
    return found.flatMap((rows, index) => rows.map((row) => decodeAuditRow(places[index]?.chain ?? "", row)));
  };

  return {
    async append(rows) {
      assertPlacesDiffer(rows);
      const { keys, values } = appendArguments(names, rows);
      const taken = Number(await translated(callScript(appendAudit, keys, values)));
      if (taken >= 0) throw auditPlaceTaken(taken);
    },
    async chains() {
      const chains = await translated(client.zrange(names.auditChains, 0, "-1"));
      const last = (chain: string): Promise<string[]> => client.zrange(names.auditChain(chain), -1, "-1", "WITHSCORES");
      const ends = await translated(Promise.all(chains.map(last)));
      return chains.map((chain, index) => ({ chain, length: Number(ends[index]?.[1] ?? -1) + 1 }));
    },
    async read(chain, { from, limit }) {
      const key = names.auditChain(chain);
      const rows = await translated(client.zrangeBuffer(key, from, "+inf", "BYSCORE", "LIMIT", 0, limit));
      return rows.map((row) => decodeAuditRow(chain, row));
    },
    async latest({ limit, before }) {
      const rows: AuditRow[] = [];
      const chunk = Math.max(limit, SMALLEST_CHUNK);
      for (let offset = 0; rows.length < limit; offset += chunk) {
        const from = before?.at ?? "+inf";
        const flat = await translated(
          client.zrange(names.auditTimes, from, "-inf", "BYSCORE", "REV", "LIMIT", offset, chunk, "WITHSCORES"),
        );
        const places = placesOf(flat);
        rows.push(...(await translated(readRows(places.filter(isBefore(before))))));
        if (places.length < chunk) break;
      }
      return rows.slice(0, limit);
    },
  };
}

function appendArguments(
  names: RedisNames,
  rows: readonly AuditRow[],
): { keys: string[]; values: (string | number | Buffer)[] } {
  const chains = [...new Set(rows.map(({ chain }) => chain))];
  const keys = [names.auditTimes, names.auditChains, ...chains.map((chain) => names.auditChain(chain))];
  const values = rows.flatMap((row) => {
    // Lua counts from 1, and two keys stand before the chains.
    return [chains.indexOf(row.chain) + 3, row.chain, row.sequence, row.at, encodeAuditRow(row)];
  });
  return { keys, values };
}

/** Members `chain:sequence` and their times, one after the other. */
function placesOf(flat: readonly string[]): Place[] {
  const places: Place[] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const [chain = "", sequence] = flat[at]?.split(":") ?? [];
    places.push({ chain, sequence: Number(sequence), at: Number(flat[at + 1]) });
  }
  return places;
}

/** The range starts with every row of the cursor's millisecond. */
function isBefore(cursor: Place | undefined): (place: Place) => boolean {
  if (!cursor) return () => true;
  return ({ at, chain, sequence }) => {
    if (at !== cursor.at) return true;
    return chain < cursor.chain || (chain === cursor.chain && sequence < cursor.sequence);
  };
}
