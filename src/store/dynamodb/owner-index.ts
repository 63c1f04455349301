import type { Clock } from "../../kit/clock.ts";
import type { ListPage, SessionRow, Step } from "../session-store.ts";
import { boundedName, padded, partition, sortKey } from "./dynamo-keys.ts";
import type { DynamoTable, Item, Range } from "./dynamo-table.ts";
import { deleteAt, keyOf, numberIn, textIn } from "./item-values.ts";
import type { Operations } from "./operations.ts";
import { decodeHead, headKey, incarnationOf, type SessionHead } from "./session-head.ts";

/** An entry is written before its session: one that is younger than this may be a session in the making. */
export const REPAIR_AFTER_MS = 60_000;
const SMALLEST_PAGE = 16;
const COUNTED_AT_ONCE = 200;
const REMOVED_AT_ONCE = 16;

type Indexed = Pick<SessionHead, "key" | "revision" | "fields" | "keptUntil">;

export interface IndexEntry {
  readonly key: string;
  readonly incarnation: string;
  readonly createdAt: number;
  /** Its removal has begun. */
  readonly isLeaving: boolean;
}

/**
 * Which sessions an owner has: a partition of entries by time of creation, one for each life of a session. It may name
 * lives that are over or never began, never lack one that goes on.
 */
export interface OwnerIndex {
  enter(session: Indexed): Promise<void>;
  leave(session: Indexed): Promise<void>;
  list(owner: string, page: ListPage): Promise<SessionRow[]>;
  count(owner: string, atMost: number): Promise<number>;
  /** Notes that a removal begins, so that one that breaks off is not taken for a session in the making. */
  beginLeaving(session: Indexed): Promise<void>;
  /** True when an entry without a session may be a session in the making. */
  isYoung(entry: IndexEntry): boolean;
  removeAll(owner: string, how: RemovalWays): Promise<number>;
}

interface RemovalWays {
  /** Called for every entry; resolves to whether the session was live, or `undefined` to leave the entry. */
  readonly remove: (entry: IndexEntry) => Promise<boolean | undefined>;
  readonly step: Step;
}

interface IndexParts {
  readonly table: DynamoTable;
  readonly operations: Operations;
  readonly clock: Clock;
}

const LOWEST = sortKey("0");
const HIGHEST = Buffer.of(0xff);

export function createOwnerIndex({ table, operations, clock }: IndexParts): OwnerIndex {
  const isYoung = ({ createdAt, isLeaving }: IndexEntry): boolean =>
    !isLeaving && createdAt >= clock() - REPAIR_AFTER_MS;

  /** What is live of the sessions that the items name, in their order. Entries of lives that are over are removed. */
  const readLive = async (owner: string, items: readonly Item[]): Promise<SessionHead[]> => {
    const entries = items.map(parseEntry);
    const keys = new Set(entries.map(({ key }) => key));
    const found = (await table.getMany([...keys].map(headKey))).map(decodeHead);
    const heads = new Map(found.map((head) => [head.key, head]));
    const own = (entry: IndexEntry): SessionHead | undefined => {
      const head = heads.get(entry.key);
      return head?.fields.owner === owner && isOf(head, entry) ? head : undefined;
    };
    const over = items.filter((_, index) => entries[index] && !own(entries[index]) && !isYoung(entries[index]));
    if (over.length > 0) operations.tidy(() => table.removeMany(over.map(keyOf)));
    return entries.flatMap((entry) => own(entry) ?? []).filter(({ fields }) => fields.expiresAt > clock());
  };
  const pages = (owner: string, rest: Omit<Range, "pk">) => table.pages({ pk: partition("owner", owner), ...rest });

  return {
    isYoung,
    async enter(session) {
      await table.put(encodeEntry(session));
    },
    async leave(session) {
      await table.remove(keyOf(encodeEntry(session)));
    },
    async beginLeaving(session) {
      await table.put({ ...encodeEntry(session), isLeaving: { BOOL: true } });
    },
    async list(owner, { limit, order, after }) {
      const rows: SessionRow[] = [];
      const range = { ...rangeAfter(order, after), order, limit: Math.max(limit, SMALLEST_PAGE) };
      for await (const page of pages(owner, range)) {
        const live = await readLive(owner, page);
        rows.push(...live.map(({ key, revision, fields, sealed }) => ({ key, revision, fields, head: sealed })));
        if (rows.length >= limit) break;
      }
      return rows.slice(0, limit);
    },
    async count(owner, atMost) {
      let live = 0;
      const range = { from: LOWEST, to: HIGHEST, order: "desc", limit: COUNTED_AT_ONCE } as const;
      for await (const page of pages(owner, range)) {
        if (live >= atMost) break;
        live += (await readLive(owner, page)).length;
      }
      return Math.min(live, atMost);
    },
    async removeAll(owner, { remove, step }) {
      const entries = pages(owner, { from: LOWEST, to: HIGHEST, order: "asc", limit: REMOVED_AT_ONCE });
      let live = 0;
      const removePage = async (): Promise<boolean> => {
        const next = await entries.next();
        if (next.done) return false;
        const page = next.value;
        const removed = await Promise.all(page.map(parseEntry).map(remove));
        live += removed.filter(Boolean).length;
        // Sessions go before their entries, so that what broke off midway is found again.
        await table.removeMany(page.filter((_, index) => removed[index] !== undefined).map(keyOf));
        return true;
      };
      while (await step(removePage));
      return live;
    },
  };
}

function encodeEntry({ key, revision, fields, keptUntil }: Indexed): Item {
  const incarnation = incarnationOf(revision);
  return {
    pk: { S: partition("owner", fields.owner) },
    sk: { B: Buffer.concat([placeOf(fields.createdAt, key), Buffer.from(`\0${incarnation}`)]) },
    sessionKey: { S: key },
    incarnation: { S: incarnation },
    createdAt: { N: String(fields.createdAt) },
    ...deleteAt(keptUntil),
  };
}

function parseEntry(item: Item): IndexEntry {
  return {
    key: textIn(item, "sessionKey"),
    incarnation: textIn(item, "incarnation"),
    createdAt: numberIn(item, "createdAt"),
    isLeaving: item["isLeaving"]?.BOOL === true,
  };
}

const isOf = ({ revision, fields }: SessionHead, { incarnation, createdAt }: IndexEntry): boolean =>
  incarnationOf(revision) === incarnation && fields.createdAt === createdAt;

/** By time, then by the bytes of the key. */
const placeOf = (createdAt: number, key: string): Buffer =>
  Buffer.concat([sortKey(`${padded(createdAt)}#`), boundedName(key)]);

/** Behind the bytes of the key stands a zero, so nothing lies between a place and the entries of its session. */
function rangeAfter(order: ListPage["order"], after: ListPage["after"]): Pick<Range, "from" | "to"> {
  if (!after) return { from: LOWEST, to: HIGHEST };
  const place = placeOf(after.createdAt, after.key);
  if (order === "desc") return { from: LOWEST, to: place };
  return { from: Buffer.concat([place, Buffer.of(0, 0xff)]), to: HIGHEST };
}
