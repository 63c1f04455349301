import type { Redis } from "ioredis";

import type { Clock } from "../../kit/clock.ts";
import type { ListPage, SessionRow } from "../session-store.ts";
import type { RedisNames } from "./redis-names.ts";
import { asReply, bufferAt, parseFields, textAt } from "./session-reply.ts";

/** An entry is written before its session: one that is younger than this may be a session in the making. */
const REPAIR_AFTER_MS = 60_000;
const SMALLEST_CHUNK = 16;

interface Entry {
  readonly key: string;
  readonly createdAt: number;
}

/** Which sessions an owner has: one sorted set, by time of creation. It may name sessions that are gone, never lack one. */
export interface OwnerIndex {
  /** Enters the session, or confirms it, and keeps the index for as long as the session lives. */
  enter(owner: string, entry: Entry, expiresAt: number): Promise<unknown>;
  leave(owner: string, key: string): Promise<unknown>;
  list(owner: string, page: ListPage): Promise<SessionRow[]>;
}

export function createOwnerIndex(parts: { client: Redis; names: RedisNames; clock: Clock }): OwnerIndex {
  const { client, names, clock } = parts;

  const readRows = async (owner: string, entries: readonly Entry[]): Promise<SessionRow[]> => {
    const rows = await Promise.all(entries.map(({ key }) => readRow(client, names, key)));
    const live = rows.filter((row, index) => {
      const isOwned = row?.fields.owner === owner;
      const entry = entries[index];
      if (!isOwned && entry && entry.createdAt < clock() - REPAIR_AFTER_MS) repair(owner, entry.key);
      return isOwned && row.fields.expiresAt > clock();
    });
    return live.filter((row) => row !== undefined);
  };
  // Nobody waits for it, and the next listing tries again.
  const repair = (owner: string, key: string): void => {
    client.zrem(names.owner(owner), key).catch(() => undefined);
  };

  return {
    enter: (owner, { key, createdAt }, expiresAt) => {
      const lastsMs = Math.max(expiresAt - clock(), 0) + 2 * REPAIR_AFTER_MS;
      return client.ownerIndexTouch(names.owner(owner), createdAt, key, lastsMs);
    },
    leave: (owner, key) => client.zrem(names.owner(owner), key),
    async list(owner, page) {
      const rows: SessionRow[] = [];
      const chunk = Math.max(page.limit, SMALLEST_CHUNK);
      for (let offset = 0; rows.length < page.limit; offset += chunk) {
        const entries = await readEntries(client, names.owner(owner), { page, offset, chunk });
        rows.push(...(await readRows(owner, entries.filter(isAfter(page)))));
        if (entries.length < chunk) break;
      }
      return rows.slice(0, page.limit);
    },
  };
}

async function readEntries(
  client: Redis,
  index: string,
  { page, offset, chunk }: { page: ListPage; offset: number; chunk: number },
): Promise<Entry[]> {
  const from = page.after?.createdAt;
  const flat =
    page.order === "asc"
      ? await client.zrange(index, from ?? "-inf", "+inf", "BYSCORE", "LIMIT", offset, chunk, "WITHSCORES")
      : await client.zrange(index, from ?? "+inf", "-inf", "BYSCORE", "REV", "LIMIT", offset, chunk, "WITHSCORES");
  const entries: Entry[] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) {
    entries.push({ key: flat[at] ?? "", createdAt: Number(flat[at + 1]) });
  }
  return entries;
}

/** The range starts with every entry of the cursor's millisecond; Redis orders those by the bytes of the key. */
function isAfter({ after, order }: ListPage): (entry: Entry) => boolean {
  if (!after) return () => true;
  const direction = order === "asc" ? 1 : -1;
  const key = Buffer.from(after.key);
  return (entry) => entry.createdAt !== after.createdAt || direction * Buffer.compare(Buffer.from(entry.key), key) > 0;
}

async function readRow(client: Redis, names: RedisNames, key: string): Promise<SessionRow | undefined> {
  const reply = asReply(await client.hmgetBuffer(names.session(key), "o", "c", "e", "l", "r", "h"));
  if (reply[0] === null) return undefined;
  return { key, revision: textAt(reply, 4), fields: parseFields(reply), head: bufferAt(reply, 5) };
}
