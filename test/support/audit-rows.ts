import { randomBytes } from "node:crypto";

import type { AuditRow } from "../../src/store/audit-store.ts";

/** The name of a chain nobody else writes. */
export function chainName(): string {
  return randomBytes(16).toString("hex");
}

/** The first row of a chain of its own; `changes` replace parts of it. */
export function auditRowOf(changes: Partial<AuditRow> = {}): AuditRow {
  return { chain: chainName(), sequence: 0, at: 1, entry: randomBytes(40), details: randomBytes(20), ...changes };
}

export function auditRowsOf(chain: string, count: number, at: number): AuditRow[] {
  return Array.from({ length: count }, (_, sequence) => auditRowOf({ chain, sequence, at: at + sequence }));
}
