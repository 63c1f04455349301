import { GatewayError } from "../errors/gateway-error.ts";
import type { AuditSealer, Sealer } from "../sealing/sealer.ts";
import type { AuditPage, AuditRow, AuditStore } from "../store/audit-store.ts";
import { placeOf } from "./audit-chain.ts";
import { type AuditEntry, decodeEntry } from "./audit-entry.ts";
import type { AuditQuery, AuditReader, ListedEntry } from "./audit-log.ts";
import { openDetails, subjectOf } from "./audit-particulars.ts";

type Place = NonNullable<AuditPage["before"]>;

/** So many entries are looked at for one answer; who asks goes on from its cursor. */
const MAX_LOOKED_AT = 5_000;
const PAGE_ROWS = 200;

export function createAuditReader(store: AuditStore, sealer: Pick<Sealer, "forAudit">): AuditReader {
  return {
    async latest({ limit, after, event, user }) {
      const found: ListedEntry[] = [];
      const keys = user === undefined ? undefined : await sealer.forAudit(user);
      // Nobody knows any more which entries are about a user whose key is gone.
      if (user !== undefined && !keys) return { entries: [], cursor: undefined, hasMore: false };
      let place = after === undefined ? undefined : placeIn(after);
      const listing = (hasMore: boolean) => ({ entries: found, cursor: place && idOf(place), hasMore });
      for (let seen = 0; seen < MAX_LOOKED_AT; seen += PAGE_ROWS) {
        const rows = await store.latest({ limit: PAGE_ROWS, ...(place && { before: place }) });
        for (const row of rows) {
          const entry = listed(row, keys);
          if (isMeant(entry, { event, keys })) {
            if (found.length === limit) return listing(true);
            found.push(entry);
          }
          place = row;
        }
        if (rows.length < PAGE_ROWS) return listing(false);
      }
      return listing(true);
    },
  };
}

interface Wanted extends Pick<AuditQuery, "event"> {
  readonly keys: AuditSealer | undefined;
}

function isMeant(entry: ListedEntry, { event, keys }: Wanted): boolean {
  if (keys && entry.subject !== subjectOf(keys)) return false;
  return event === undefined ? entry.event !== "audit_head" : entry.event === event;
}

function listed(row: AuditRow, keys: AuditSealer | undefined): ListedEntry {
  const { at, chain, sequence } = row;
  const { event = "unreadable", subject, reason, counts, missing } = decoded(row) ?? {};
  const isTheirs = keys && subject === subjectOf(keys);
  const { address } = (isTheirs && openDetails(keys, placeOf(chain, sequence), row.details)) || {};
  return { id: idOf(row), at, event, subject, reason, counts, missing, address };
}

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
