import type { Item, ItemKey } from "./dynamo-table.ts";

/** @throws TypeError for an item that this store cannot have written */
export function textIn(item: Item, name: string): string {
  const text = item[name]?.S;
  if (text === undefined) throw new TypeError(`an item has no text ${name}`);
  return text;
}

/** @throws TypeError for an item that this store cannot have written */
export function numberIn(item: Item, name: string): number {
  const number = item[name]?.N;
  if (number === undefined) throw new TypeError(`an item has no number ${name}`);
  return Number(number);
}

/** @throws TypeError for an item that this store cannot have written */
export function bytesIn(item: Item, name: string): Buffer {
  const bytes = item[name]?.B;
  if (bytes === undefined) throw new TypeError(`an item has no bytes ${name}`);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export const keyOf = (item: Item): ItemKey => ({ pk: textIn(item, "pk"), sk: bytesIn(item, "sk") });

/** After which DynamoDB may delete an item, in whole seconds; it takes up to some days for that. */
export const deleteAt = (ms: number): Item => ({ deleteAt: { N: String(Math.ceil(ms / 1_000)) } });
