import type { Clock } from "../../kit/clock.ts";
import { isSameIncarnation } from "../revision.ts";
import { type KnownRevision, type SealedTurn, type StoredSession, unchangedSession } from "../session-store.ts";
import { storeUnavailable } from "../store-unavailable.ts";
import type { DynamoTable, Item } from "./dynamo-table.ts";
import { bytesIn } from "./item-values.ts";
import { type PickedTurns, pickTurns } from "./pick-turns.ts";
import {
  decodeHead,
  HEAD,
  headKey,
  incarnationOf,
  isHead,
  type SessionHead,
  sessionPartition,
} from "./session-head.ts";
import { isTurn, parseTurnPart, slotKeys, turnsFrom } from "./session-rows.ts";

const TRIES = 8;

export interface SessionView {
  readonly head: SessionHead;
  readonly session: StoredSession;
}

export interface SessionReader {
  /** `undefined` when there is no live session. */
  load(key: string, known?: KnownRevision): Promise<SessionView | undefined>;
  readTurns(key: string, from: number, to: number): Promise<SealedTurn[]>;
  /** The head alone, live or not. */
  readHead(key: string): Promise<SessionHead | undefined>;
}

/**
 * A session is read backwards in one query: the head, the slots, the turns from the newest on. DynamoDB reads each item
 * as it is at some moment of the query, and promises no order of these moments:
 *
 * - An item that is read after the head is there if the head counts it, because it was written before that head. What a
 *   later head counts, or none, may be there as well; this head does not name it.
 * - An item that is read before the head may be too early: the head counts what was not there yet. And it may be too
 *   late, when a newer head has replaced a slot, or the session was removed. Either way something is missing that the
 *   head names, and the session is read again.
 *
 * Rows never change, so what is found is right. If nobody has written since, what is missing is truly lost.
 */
export function createSessionReader(table: DynamoTable, clock: Clock): SessionReader {
  const isLive = ({ fields }: SessionHead): boolean => fields.expiresAt > clock();
  const readHead = async (key: string): Promise<SessionHead | undefined> => {
    const item = await table.get(headKey(key));
    return item && decodeHead(item);
  };

  return {
    readHead,
    async load(key, known) {
      let before: string | undefined;
      for (let attempt = 0; attempt < TRIES; attempt++) {
        const rows = await readRows(table, key, known);
        if (!rows || !isLive(rows.head)) return undefined;
        const isUnchanged = rows.head.revision === before;
        const session = sessionOf(rows, isUnchanged);
        if (session) return { head: rows.head, session };
        before = rows.head.revision;
      }
      throw storeUnavailable("the session changed whenever it was read");
    },
    async readTurns(key, from, to) {
      const head = await readHead(key);
      if (!head || !isLive(head)) return [];
      const { turns, isWhole } = await readTurnRows(table, head, { from, to });
      // Turns that went while they were read are no loss: the session went with them.
      if (isWhole || isSameLife(await readHead(key), head)) return turns;
      return [];
    },
  };
}

const isSameLife = (left: SessionHead | undefined, right: SessionHead): boolean =>
  left !== undefined && isSameIncarnation(left.revision, right.revision);

interface Rows {
  readonly head: SessionHead;
  readonly items: readonly Item[];
  /** The lowest turn sequence that is asked for; `undefined` when the caller has everything. */
  readonly from: number | undefined;
}

async function readRows(table: DynamoTable, key: string, known: KnownRevision | undefined): Promise<Rows | undefined> {
  const readFrom = known ? known.sequence + 1 : 0;
  const items: Item[] = [];
  let head: SessionHead | undefined;
  let from: number | undefined;
  const range = { pk: sessionPartition(key), from: turnsFrom(readFrom), to: HEAD, order: "desc" } as const;
  for await (const page of table.pages(range)) {
    const [first] = page;
    if (!head) {
      if (!first || !isHead(first)) return undefined;
      head = decodeHead(first);
      from = firstWanted(head, known);
      // Somebody who knew another life of the session.
      if (from !== undefined && from < readFrom) return readRows(table, key, undefined);
    }
    items.push(...page);
    if (from === undefined || isBelow(page.at(-1), from)) break;
  }
  return head && { head, items, from };
}

function firstWanted({ revision, fields }: SessionHead, known: KnownRevision | undefined): number | undefined {
  if (known?.revision === revision) return undefined;
  return known && isSameIncarnation(known.revision, revision) ? known.sequence + 1 : fields.loadFrom;
}

function isBelow(item: Item | undefined, from: number): boolean {
  return item !== undefined && bytesIn(item, "sk").compare(turnsFrom(from)) < 0;
}

/** `undefined` when something is missing that the head names. @param isUnchanged then it is lost */
function sessionOf({ head, items, from }: Rows, isUnchanged: boolean): StoredSession | undefined {
  const { revision, fields } = head;
  if (from === undefined) return unchangedSession(revision, fields);
  const slots = slotsOf(head, items);
  if (!slots && isUnchanged) throw storeUnavailable("a part of the session is not in the DynamoDB table any more");
  const { turns, isWhole } = pickTurns(turnPartsOf(items), {
    incarnation: incarnationOf(revision),
    from,
    last: head.last,
  });
  return slots && (isWhole || isUnchanged) ? { revision, fields, head: head.sealed, slots, turns } : undefined;
}

function slotsOf(head: SessionHead, items: readonly Item[]): Map<string, Buffer> | undefined {
  const rows = new Map(items.map((item) => [bytesIn(item, "sk").toString("latin1"), item]));
  const slots = new Map<string, Buffer>();
  for (const slot of head.slots) {
    const found = slotKeys(slot)
      .map((sk) => rows.get(sk.toString("latin1")))
      .filter((row) => row !== undefined);
    if (found.length !== slot.parts) return undefined;
    slots.set(slot.name, Buffer.concat(found.map((item) => bytesIn(item, "bytes"))));
  }
  return slots;
}

const turnPartsOf = (items: readonly Item[]) => items.filter((item) => isTurn(bytesIn(item, "sk"))).map(parseTurnPart);

async function readTurnRows(
  table: DynamoTable,
  head: SessionHead,
  { from, to }: { from: number; to: number },
): Promise<PickedTurns> {
  const first = Math.max(from, 0);
  const end = Math.min(to, head.last.sequence + 1);
  const isToTheEnd = end > head.last.sequence;
  if (first >= end) return { turns: [], isWhole: true };
  const items: Item[] = [];
  const range = { pk: sessionPartition(head.key), from: turnsFrom(first), to: turnsFrom(end), order: "asc" } as const;
  for await (const page of table.pages(range)) items.push(...page);
  const last = isToTheEnd ? head.last : { sequence: end - 1 };
  const picked = pickTurns(turnPartsOf(items), { incarnation: incarnationOf(head.revision), from: first, last });
  if (picked.isWhole || isToTheEnd) return picked;
  // The last of these turns has a rival, and only the turns behind it say which one counts.
  const { turns, isWhole } = await readTurnRows(table, head, { from, to: Infinity });
  return { turns: turns.filter(({ sequence }) => sequence < to), isWhole };
}
