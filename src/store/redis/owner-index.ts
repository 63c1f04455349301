import type { Clock } from "../../kit/clock.ts";
import type { ListPage, SessionFields, SessionRow, Step } from "../session-store.ts";
import { leaveOwnerIndex, touchOwnerIndex } from "./index-scripts.ts";
import { type IndexEntry, isAfter, readIndexPage } from "./owner-index-page.ts";
import type { RedisClient, RedisConnection } from "./redis-connection.ts";
import type { RedisNames } from "./redis-names.ts";
import { asReply, bufferAt, parseFields, textAt } from "./session-reply.ts";

/** An entry is written before its session: one that is younger than this may be a session in the making. */
const REPAIR_AFTER_MS = 60_000;
const SMALLEST_CHUNK = 16;
const COUNTED_AT_ONCE = 256;
const REMOVED_AT_ONCE = 64;

/** Which sessions an owner has: one sorted set, by time of creation. It may name sessions that are gone, never lack one. */
export interface OwnerIndex {
  /** Enters the session, or confirms it, and keeps the index for as long as the session lives. */
  enter(owner: string, entry: IndexEntry, expiresAt: number): Promise<unknown>;
  /** Takes back what was entered for a session that is gone; not if it began anew since. */
  withdraw(owner: string, entry: IndexEntry): Promise<unknown>;
  list(owner: string, page: ListPage): Promise<SessionRow[]>;
  count(owner: string, atMost: number): Promise<number>;
  removeAll(owner: string, how: RemovalWays): Promise<number>;
}

interface RemovalWays {
  /** Called for every session; resolves to whether it was live, or `undefined` if there was none. */
  readonly remove: (key: string) => Promise<boolean | undefined>;
  readonly step: Step;
}

interface Owned {
  readonly fields: Pick<SessionFields, "owner" | "expiresAt">;
}

export function createOwnerIndex(parts: { connection: RedisConnection; names: RedisNames; clock: Clock }): OwnerIndex {
  const { names, clock } = parts;
  const { client, callScript } = parts.connection;
  const isOld = ({ createdAt }: IndexEntry): boolean => createdAt < clock() - REPAIR_AFTER_MS;
  const forget = async (owner: string, entries: readonly IndexEntry[]): Promise<void> => {
    const values = entries.flatMap(({ createdAt, key }) => [createdAt, key]);
    if (values.length > 0) await callScript(leaveOwnerIndex, [names.owner(owner)], values);
  };

  /** What is there and live of the sessions that the entries name. Entries of sessions that are gone are repaired. */
  const readLive = async <Row extends Owned>(
    owner: string,
    entries: readonly IndexEntry[],
    read: (key: string) => Promise<Row | undefined>,
  ): Promise<Row[]> => {
    const rows = await Promise.all(entries.map(({ key }) => read(key)));
    const gone = entries.filter((entry, index) => rows[index]?.fields.owner !== owner && isOld(entry));
    // Nobody waits for it, and the next one who looks tries again.
    forget(owner, gone).catch(() => undefined);
    return rows.filter((row) => row?.fields.owner === owner && row.fields.expiresAt > clock()) as Row[];
  };

  return {
    enter: (owner, { key, createdAt }, expiresAt) => {
      const lastsMs = Math.max(expiresAt - clock(), 0) + 2 * REPAIR_AFTER_MS;
      return callScript(touchOwnerIndex, [names.owner(owner)], [createdAt, key, lastsMs]);
    },
    withdraw: (owner, entry) => forget(owner, [entry]),
    async list(owner, page) {
      const rows: SessionRow[] = [];
      // One more, because what comes after a row is read from that row on.
      const chunk = Math.max(page.limit + 1, SMALLEST_CHUNK);
      for (let offset = 0; rows.length < page.limit; offset += chunk) {
        const entries = await readIndexPage(client, names.owner(owner), { page, offset, chunk });
        rows.push(...(await readLive(owner, entries.filter(isAfter(page)), (key) => readRow(client, names, key))));
        if (entries.length < chunk) break;
      }
      return rows.slice(0, page.limit);
    },
    async count(owner, atMost) {
      const page = { order: "desc" } as const;
      let live = 0;
      for (let offset = 0; live < atMost; offset += COUNTED_AT_ONCE) {
        const entries = await readIndexPage(client, names.owner(owner), { page, offset, chunk: COUNTED_AT_ONCE });
        live += (await readLive(owner, entries, (key) => readOwned(client, names, key))).length;
        if (entries.length < COUNTED_AT_ONCE) break;
      }
      return Math.min(live, atMost);
    },
    async removeAll(owner, { remove, step }) {
      const page = { order: "asc" } as const;
      let live = 0;
      let kept = 0;
      const removeSome = async (): Promise<boolean> => {
        const entries = await readIndexPage(client, names.owner(owner), { page, offset: kept, chunk: REMOVED_AT_ONCE });
        const removed = await Promise.all(entries.map(({ key }) => remove(key)));
        live += removed.filter(Boolean).length;
        // Sessions go before their entries, so that what broke off midway is found again.
        const left = entries.filter((entry, index) => removed[index] !== undefined || isOld(entry));
        await forget(owner, left);
        kept += entries.length - left.length;
        return entries.length === REMOVED_AT_ONCE;
      };
      while (await step(removeSome));
      return live;
    },
  };
}

async function readRow(client: RedisClient, names: RedisNames, key: string): Promise<SessionRow | undefined> {
  const reply = asReply(await client.hmgetBuffer(names.session(key), "o", "c", "e", "l", "r", "h"));
  if (reply[0] === null) return undefined;
  // A damaged hash may lack some: one row that cannot be opened hides none of the others.
  const whole = reply.map((value) => value ?? Buffer.of());
  return { key, revision: textAt(whole, 4), fields: parseFields(whole), head: bufferAt(whole, 5) };
}

async function readOwned(client: RedisClient, names: RedisNames, key: string): Promise<Owned | undefined> {
  const [owner, expiresAt] = await client.hmget(names.session(key), "o", "e");
  return owner ? { fields: { owner, expiresAt: Number(expiresAt) } } : undefined;
}
