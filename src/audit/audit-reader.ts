import { GatewayError } from "../errors/gateway-error.ts";
import type { AuditPage, AuditRow, AuditStore } from "../store/audit-store.ts";
import { type AuditEntry, decodeEntry } from "./audit-entry.ts";
import type { AuditReader, ListedEntry } from "./audit-log.ts";

type Place = NonNullable<AuditPage["before"]>;

/** So many entries are looked at for one answer; who asks goes on from its cursor. */
const MAX_LOOKED_AT = 5_000;
const PAGE_ROWS = 200;

export function createAuditReader(store: AuditStore): AuditReader {
  return {
    async latest({ limit, after, event }) {
      const found: ListedEntry[] = [];
      let place = after === undefined ? undefined : placeIn(after);
      for (let seen = 0; seen < MAX_LOOKED_AT;) {
        const rows = await store.latest({ limit: PAGE_ROWS, ...(place && { before: place }) });
        for (const row of rows) {
          const entry = listed(row);
          const isMeant = event === undefined ? entry.event !== "audit_head" : entry.event === event;
          if (isMeant && found.length === limit) return { entries: found, cursor: place && idOf(place), hasMore: true };
          if (isMeant) found.push(entry);
          place = row;
        }
        if (rows.length < PAGE_ROWS) return { entries: found, cursor: place && idOf(place), hasMore: false };
        seen += rows.length;
      }
      return { entries: found, cursor: place && idOf(place), hasMore: true };
    },
  };
}

function listed(row: AuditRow): ListedEntry {
  const id = idOf(row);
  const entry = decoded(row);
  if (!entry) return { id, at: row.at, event: "unreadable", ...nothingElse };
  const { at, event, subject, reason, counts, missing } = entry;
  return { id, at, event, subject, reason, counts, missing };
}

const nothingElse = { subject: undefined, reason: undefined, counts: undefined, missing: undefined };

/** One row that was tampered with must not hide the others. */
function decoded({ entry }: AuditRow): AuditEntry | undefined {
  try {
    return decodeEntry(entry);
  } catch {
    return undefined;
  }
}

const idOf = ({ at, chain, sequence }: Place): string =>
  Buffer.from(`${at}.${chain}.${sequence}`).toString("base64url");

function placeIn(cursor: string): Place {
  const [, at, chain, sequence] = CURSOR.exec(Buffer.from(cursor, "base64url").toString("latin1")) ?? [];
  if (at !== undefined && chain !== undefined) return { at: Number(at), chain, sequence: Number(sequence) };
  throw new GatewayError("invalid_parameter", "unknown audit cursor", {
    param: "after",
    publicDetail: "'after' is not the id of an entry of the audit log.",
  });
}

const CURSOR = /^(\d{1,15})\.([0-9a-f]{32})\.(\d{1,15})$/;
