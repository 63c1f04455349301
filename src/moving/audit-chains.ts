import type { AuditRow, AuditStore } from "../store/audit-store.ts";

const READ_AT_ONCE = 500;

/** Rows of one chain from a sequence on, page by page. */
export async function* chainRows(audit: AuditStore, chain: string, start = 0): AsyncGenerator<AuditRow[]> {
  for (let from = start; ;) {
    const rows = await audit.read(chain, { from, limit: READ_AT_ONCE });
    if (rows.length > 0) yield rows;
    if (rows.length < READ_AT_ONCE) return;
    from = (rows.at(-1)?.sequence ?? from) + 1;
  }
}

/** How long each chain is, by its name. */
export async function chainLengths(audit: AuditStore): Promise<ReadonlyMap<string, number>> {
  return new Map((await audit.chains()).map(({ chain, length }) => [chain, length]));
}
