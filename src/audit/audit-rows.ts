import type { AuditRow, AuditStore } from "../store/audit-store.ts";
import type { AuditRows } from "./verify-audit.ts";

const PAGE_ROWS = 1_000;

/** Everything that a store holds, chain by chain. */
export const rowsInStore = (store: AuditStore): AuditRows =>
  async function* readAll() {
    for (const { chain } of await store.chains()) {
      for (let from = 0; ;) {
        const rows = await store.read(chain, { from, limit: PAGE_ROWS });
        const last = rows.at(-1);
        if (!last) break;
        yield rows;
        from = last.sequence + 1;
      }
    }
  };

/** A row as one line of an export; the entry is a string in it, so that its bytes stay as they were hashed. */
export function encodeRow({ chain, sequence, at, entry, details }: AuditRow): string {
  return JSON.stringify({
    chain,
    sequence,
    at,
    entry: entry.toString("utf8"),
    details: details?.toString("base64url"),
  });
}

/** @throws TypeError for what is no line of an export */
export function decodeRow(line: string): AuditRow {
  const { chain, sequence, at, entry, details } = parseFields(line);
  if (typeof chain !== "string" || typeof sequence !== "number" || typeof at !== "number") throw notARow();
  if (typeof entry !== "string" || (details !== undefined && typeof details !== "string")) throw notARow();
  return {
    chain,
    sequence,
    at,
    entry: Buffer.from(entry),
    details: details === undefined ? undefined : Buffer.from(details, "base64url"),
  };
}

function parseFields(line: string): Readonly<Record<string, unknown>> {
  try {
    const value = JSON.parse(line) as unknown;
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below like anything else that is no row.
  }
  throw notARow();
}

const notARow = (): TypeError => new TypeError("not a line of an audit export");
