import type { AuditRow } from "../audit-store.ts";

/** `sequence at length-of-entry has-details`, a line feed, the entry, the details. */
export function encodeAuditRow({ sequence, at, entry, details }: AuditRow): Buffer {
  const header = `${sequence} ${at} ${entry.length} ${details ? 1 : 0}\n`;
  return Buffer.concat([Buffer.from(header), entry, ...(details ? [details] : [])]);
}

/** @throws TypeError when the bytes are not an encoded row */
export function decodeAuditRow(chain: string, bytes: Buffer): AuditRow {
  const start = bytes.indexOf("\n") + 1;
  const [sequence, at, length, hasDetails] = bytes.toString("latin1", 0, start).split(" ").map(Number);
  if (sequence === undefined || at === undefined || length === undefined) throw new TypeError("not an audit row");
  const end = start + length;
  return {
    chain,
    sequence,
    at,
    entry: bytes.subarray(start, end),
    details: hasDetails === 1 ? bytes.subarray(end) : undefined,
  };
}
