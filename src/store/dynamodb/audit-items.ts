import type { AuditPage, AuditRow } from "../audit-store.ts";
import { padded, sortKey } from "./dynamo-keys.ts";
import type { Item, ItemKey } from "./dynamo-table.ts";
import { bytesIn, keyOf, numberIn, textIn } from "./item-values.ts";

/** Where a row has its place in the order of all: time, chain, sequence. */
export type AuditPlace = NonNullable<AuditPage["before"]>;

export const CHAINS = "audit-chains";
export const TIMES = "audit-times";
export const LOWEST = sortKey(" ");
export const HIGHEST = Buffer.of(0xff);

export const chainPartition = (chain: string): string => `audit#${chain}`;
export const rowSortKey = (sequence: number): Buffer => sortKey(padded(sequence));
export const placeSortKey = ({ at, chain, sequence }: AuditPlace): Buffer =>
  sortKey(`${padded(at)}#${chain}#${padded(sequence)}`);

export const rowKey = ({ chain, sequence }: Pick<AuditRow, "chain" | "sequence">): ItemKey => ({
  pk: chainPartition(chain),
  sk: rowSortKey(sequence),
});
/** There when every row of the batch is. */
export const batchKey = (batch: string): ItemKey => ({ pk: `audit-batch#${batch}`, sk: sortKey("batch") });

/** A row counts when it says so itself, or when one of the batches that wrote it is complete. */
export function encodeAuditRow({ chain, sequence, at, entry, details }: AuditRow, batch: string | undefined): Item {
  const { pk, sk } = rowKey({ chain, sequence });
  return {
    pk: { S: pk },
    sk: { B: sk },
    chain: { S: chain },
    sequence: { N: String(sequence) },
    at: { N: String(at) },
    entry: { B: entry },
    ...(details && { details: { B: details } }),
    ...(batch === undefined ? { isComplete: { BOOL: true } } : { batches: { SS: [batch] } }),
  };
}

export function decodeAuditRow(item: Item): AuditRow {
  return {
    ...decodePlace(item),
    entry: bytesIn(item, "entry"),
    details: item["details"] && bytesIn(item, "details"),
  };
}

/** Of a row, and of its entry in the index by time. */
export function decodePlace(item: Item): AuditPlace {
  return { chain: textIn(item, "chain"), sequence: numberIn(item, "sequence"), at: numberIn(item, "at") };
}

/** Index entries may name rows that never came to count, never lack one that does. */
export function indexItems(rows: readonly AuditRow[]): Item[] {
  const chains = [...new Set(rows.map(({ chain }) => chain))];
  return [
    ...chains.map((chain) => ({ pk: { S: CHAINS }, sk: { B: sortKey(chain) }, chain: { S: chain } })),
    ...rows.map((row) => ({
      pk: { S: TIMES },
      sk: { B: placeSortKey(row) },
      chain: { S: row.chain },
      sequence: { N: String(row.sequence) },
      at: { N: String(row.at) },
    })),
  ];
}

export const textOfKey = (item: Item): string => {
  const { pk, sk } = keyOf(item);
  return `${pk} ${sk.toString("latin1")}`;
};
