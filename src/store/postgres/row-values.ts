import type { Row } from "./postgres-client.ts";

/** @throws TypeError when the column is not `bytea`, or null */
export function bufferAt(row: Row, column: string): Buffer {
  const value = row[column];
  if (!Buffer.isBuffer(value)) throw new TypeError(`expected bytes in ${column}`);
  return value;
}

/** A name or key, which lies there as its UTF-8 bytes. */
export function nameAt(row: Row, column: string): string {
  return bufferAt(row, column).toString();
}

/** The driver hands on `bigint` as text. Ours are times and counts, all of them exact as numbers. */
export function numberAt(row: Row, column: string): number {
  return Number(row[column]);
}
