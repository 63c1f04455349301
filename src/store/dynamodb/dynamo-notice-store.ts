import type { Clock } from "../../kit/clock.ts";
import { createKeyedQueue } from "../../kit/keyed-queue.ts";
import type { NoticeStore } from "../notice-store.ts";
import { storeUnavailable } from "../store-unavailable.ts";
import { padded, sortKey } from "./dynamo-keys.ts";
import type { StoreParts } from "./dynamo-session-store.ts";
import type { DynamoTable, Item, ItemKey } from "./dynamo-table.ts";
import { deleteAt, numberIn, textIn } from "./item-values.ts";

const PARTITION = "notices";
const KEPT_MS = 600_000;
/** Replicas that post at the same moment; each round one of them at least gets its number. */
const TRIES = 100;
/** Stays when every notice has gone, so that numbers only ever grow. Sorts before all of them. */
const COUNTER: ItemKey = { pk: PARTITION, sk: sortKey("counter") };

const noticeKey = (number: number): Buffer => sortKey(`notice#${padded(number)}`);

/**
 * Notices are numbered without a gap: a number is taken by writing its notice, and only after its predecessor was. So a
 * reader who finds one number finds all before it, but for those that have ended.
 */
export function createDynamoNoticeStore({ table, operations: { run }, clock }: StoreParts): NoticeStore {
  const queue = createKeyedQueue();
  return {
    post: (notice) => run(() => queue.run(PARTITION, () => post(table, notice, clock))),
    read: (after) =>
      run(async () => {
        if (after === undefined) return { notices: [], cursor: String(await lastNumber(table)) };
        const items = await readAfter(table, Number(after));
        const last = items.at(-1);
        return {
          notices: items.map((item) => textIn(item, "notice")),
          cursor: last ? String(numberIn(last, "number")) : after,
        };
      }),
  };
}

async function post(table: DynamoTable, notice: string, clock: Clock): Promise<void> {
  const first = (await lastNumber(table)) + 1;
  for (let number = first; number < first + TRIES; number++) {
    const n = { N: String(number) };
    await table.update(
      COUNTER,
      { expression: "SET lastNumber = :number", values: { ":number": n } },
      { expression: "attribute_not_exists(lastNumber) OR lastNumber < :number" },
    );
    const item = { pk: { S: PARTITION }, sk: { B: noticeKey(number) }, number: n, notice: { S: notice } };
    const end = deleteAt(clock() + KEPT_MS);
    if ((await table.put({ ...item, ...end }, { expression: "attribute_not_exists(pk)" })).written) return;
  }
  throw storeUnavailable("too many replicas post notices");
}

async function lastNumber(table: DynamoTable): Promise<number> {
  const range = { pk: PARTITION, from: noticeKey(0), to: Buffer.of(0xff), order: "desc", limit: 1 } as const;
  for await (const [last] of table.pages(range)) if (last) return numberIn(last, "number");
  const counter = await table.get(COUNTER);
  return counter ? numberIn(counter, "lastNumber") : 0;
}

async function readAfter(table: DynamoTable, number: number): Promise<Item[]> {
  const read = async (to: Buffer): Promise<Item[]> => {
    const items: Item[] = [];
    const range = { pk: PARTITION, from: noticeKey(number + 1), to, order: "asc" } as const;
    for await (const page of table.pages(range)) items.push(...page);
    return items;
  };
  const items = await read(Buffer.of(0xff));
  const last = items.at(-1);
  if (!last || numberIn(last, "number") - number === items.length) return items;
  // One of a gap ended, or came while its place was passed: it is there now, because a later one is.
  return read(noticeKey(numberIn(last, "number")));
}
