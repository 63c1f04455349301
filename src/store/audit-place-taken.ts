import type { AuditRow } from "./audit-store.ts";

/** Each process writes a chain of its own, so two rows in one place are a mistake, and overwriting would hide it. */
export function auditPlaceTaken(sequence: number): TypeError {
  return new TypeError(`the audit chain already has another row with sequence ${sequence}`);
}

/** @throws TypeError when two of the rows want one place with different entries */
export function assertPlacesDiffer(rows: readonly AuditRow[]): void {
  const entries = new Map<string, Buffer>();
  for (const { chain, sequence, entry } of rows) {
    const place = `${chain} ${sequence}`;
    if (entries.get(place)?.equals(entry) === false) throw auditPlaceTaken(sequence);
    entries.set(place, entry);
  }
}
