import type { AuditChain, AuditRow, AuditStore } from "../audit-store.ts";
import { createAuditAppend } from "./audit-append.ts";
import {
  type AuditPlace,
  batchKey,
  chainPartition,
  CHAINS,
  decodeAuditRow,
  decodePlace,
  HIGHEST,
  LOWEST,
  placeSortKey,
  rowKey,
  rowSortKey,
  textOfKey,
  TIMES,
} from "./audit-items.ts";
import type { StoreParts } from "./dynamo-session-store.ts";
import type { DynamoTable, Item, Range } from "./dynamo-table.ts";
import { inParallel } from "./in-parallel.ts";
import { bytesIn, textIn } from "./item-values.ts";

const SMALLEST_PAGE = 16;

export function createDynamoAuditStore({ table, operations: { run } }: StoreParts): AuditStore {
  const append = createAuditAppend(table);
  return {
    append: (rows) => run(() => append(rows)),
    chains: () => run(() => readChains(table)),
    read: (chain, { from, limit }) =>
      run(() =>
        readRows(table, limit, { pk: chainPartition(chain), from: rowSortKey(from), to: HIGHEST, order: "asc" }),
      ),
    latest: ({ limit, before }) => run(() => readLatest(table, limit, before)),
  };
}

async function readRows(table: DynamoTable, limit: number, range: Range): Promise<AuditRow[]> {
  const rows: AuditRow[] = [];
  for await (const page of table.pages({ ...range, limit: Math.max(limit, SMALLEST_PAGE) })) {
    rows.push(...(await countingOf(table, page)).map(decodeAuditRow));
    if (rows.length >= limit) break;
  }
  return rows.slice(0, limit);
}

async function readLatest(table: DynamoTable, limit: number, before: AuditPlace | undefined): Promise<AuditRow[]> {
  const rows: AuditRow[] = [];
  const end = before && placeSortKey(before);
  const range = { pk: TIMES, from: LOWEST, to: end ?? HIGHEST, order: "desc" } as const;
  for await (const page of table.pages({ ...range, limit: Math.max(limit, SMALLEST_PAGE) })) {
    const places = page.filter((item) => !end?.equals(bytesIn(item, "sk"))).map(decodePlace);
    const found = await countingOf(table, await table.getMany(places.map(rowKey)));
    const byKey = new Map(found.map((item) => [textOfKey(item), decodeAuditRow(item)]));
    const ordered = places.flatMap((place) => {
      const { pk, sk } = rowKey(place);
      const row = byKey.get(`${pk} ${sk.toString("latin1")}`);
      return row?.at === place.at ? [row] : [];
    });
    rows.push(...ordered);
    if (rows.length >= limit) break;
  }
  return rows.slice(0, limit);
}

async function readChains(table: DynamoTable): Promise<AuditChain[]> {
  const names: string[] = [];
  for await (const page of table.pages({ pk: CHAINS, from: LOWEST, to: HIGHEST, order: "asc" })) {
    names.push(...page.map((item) => textIn(item, "chain")));
  }
  const ends = await inParallel(names, async (chain) => {
    const range = { pk: chainPartition(chain), from: LOWEST, to: HIGHEST };
    const [[first], [last]] = await Promise.all([
      readRows(table, 1, { ...range, order: "asc" }),
      readRows(table, 1, { ...range, order: "desc" }),
    ]);
    return first && last ? [{ first, length: last.sequence + 1 }] : [];
  });
  return ends
    .flat()
    .sort(({ first: left }, { first: right }) => left.at - right.at || (left.chain < right.chain ? -1 : 1))
    .map(({ first: { chain }, length }) => ({ chain, length }));
}

/** Those of complete batches. */
async function countingOf(table: DynamoTable, items: readonly Item[]): Promise<Item[]> {
  const batchesOf = (item: Item): string[] => (item["isComplete"]?.BOOL === true ? [] : (item["batches"]?.SS ?? []));
  const batches = [...new Set(items.flatMap(batchesOf))];
  const complete = new Set((await table.getMany(batches.map(batchKey))).map(({ pk }) => pk?.S));
  return items.filter(
    (item) => item["isComplete"]?.BOOL === true || batchesOf(item).some((batch) => complete.has(batchKey(batch).pk)),
  );
}
