import { randomBytes } from "node:crypto";

import { assertPlacesDiffer, auditPlaceTaken } from "../audit-place-taken.ts";
import type { AuditRow } from "../audit-store.ts";
import { batchKey, encodeAuditRow, indexItems, rowKey } from "./audit-items.ts";
import type { DynamoTable, Expression, Item } from "./dynamo-table.ts";
import { inParallel } from "./in-parallel.ts";
import { bytesIn, textIn } from "./item-values.ts";

interface Batch {
  readonly table: DynamoTable;
  /** `undefined` for a row alone, which is one step by itself. */
  readonly id: string | undefined;
}

/**
 * Rows are written under a batch, and count when the batch is marked as complete: one write makes all of them count. A
 * row that is there already, with the same entry, gets the batch as one more: whichever is complete first makes it count.
 */
export function createAuditAppend(table: DynamoTable): (rows: readonly AuditRow[]) => Promise<void> {
  return async (rows) => {
    assertPlacesDiffer(rows);
    const wanted = [...new Map(rows.map((row) => [`${row.chain} ${row.sequence}`, row])).values()];
    const there = await readThere(table, wanted);
    const taken = wanted.find((row) => isAnother(there.get(placeName(row)), row));
    if (taken) throw auditPlaceTaken(taken.sequence);
    const missing = wanted.filter((row) => there.get(placeName(row))?.["isComplete"]?.BOOL !== true);
    if (missing.length === 0) return;
    const batch = { table, id: missing.length > 1 ? randomBytes(16).toString("hex") : undefined };
    await table.putMany(indexItems(missing));
    await writeRows(batch, missing);
    if (batch.id === undefined) return;
    const { pk, sk } = batchKey(batch.id);
    await table.put({ pk: { S: pk }, sk: { B: sk } });
  };
}

const placeName = ({ chain, sequence }: AuditRow): string => `${chain} ${sequence}`;

async function readThere(table: DynamoTable, rows: readonly AuditRow[]): Promise<Map<string, Item>> {
  const items = await table.getMany(rows.map(rowKey));
  return new Map(items.map((item) => [`${textIn(item, "chain")} ${Number(item["sequence"]?.N)}`, item]));
}

const isAnother = (item: Item | undefined, { entry }: AuditRow): boolean =>
  item !== undefined && !bytesIn(item, "entry").equals(entry);

/** Takes back what it wrote when another row has one of the places. */
async function writeRows(batch: Batch, rows: readonly AuditRow[]): Promise<void> {
  const written = await inParallel(rows, (row) => writeRow(batch, row));
  const taken = rows.find((_, index) => !written[index]);
  if (!taken) return;
  const { table, id } = batch;
  if (id !== undefined) {
    const onlyOurs = { expression: "batches = :ours", values: { ":ours": { SS: [id] } } };
    await inParallel(rows, (row) => table.remove(rowKey(row), onlyOurs));
  }
  throw auditPlaceTaken(taken.sequence);
}

/** False when another row has the place. */
async function writeRow({ table, id }: Batch, row: AuditRow): Promise<boolean> {
  const first = await table.put(encodeAuditRow(row, id), { expression: "attribute_not_exists(pk)" });
  if (first.written) return true;
  const isSame: Expression = { expression: "entry = :entry", values: { ":entry": { B: row.entry } } };
  const change: Expression =
    id === undefined
      ? { expression: "SET isComplete = :true", values: { ":true": { BOOL: true } } }
      : { expression: "ADD batches :batch", values: { ":batch": { SS: [id] } } };
  return (await table.update(rowKey(row), change, isSame)).written;
}
