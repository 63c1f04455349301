import type { Clock } from "../kit/clock.ts";
import type { AuditRow } from "../store/audit-store.ts";
import type { StoreBackend } from "../store/store-backend.ts";
import { chainRows } from "./audit-chains.ts";
import { compareSession } from "./compare-session.ts";
import { isSameRecord, recordPairs } from "./record-pairs.ts";
import { eachAtOnce, sessionKeys } from "./session-keys.ts";

export interface ComparedStores {
  readonly from: StoreBackend;
  readonly to: StoreBackend;
  readonly clock: Clock;
  /** Told after each session. */
  readonly onSession: () => void;
  /** Told of each difference: where, and what. Names of keyed hashes, no content. */
  readonly onDifference: (difference: string) => void;
}

export interface Compared {
  sessions: number;
  records: number;
  auditRows: number;
  differences: number;
}

/** Reads everything in the source, and what the target has in its place, and compares it byte for byte. */
export async function compareStores(stores: ComparedStores): Promise<Compared> {
  const compared: Compared = { sessions: 0, records: 0, auditRows: 0, differences: 0 };
  const report = (difference: string): void => {
    compared.differences += 1;
    stores.onDifference(difference);
  };
  await compareSessions(stores, compared, report);
  await compareRecords(stores, compared, report);
  await compareAudit(stores, compared, report);
  return compared;
}

type Report = (difference: string) => void;

async function compareSessions({ from, to, onSession }: ComparedStores, sum: Compared, report: Report): Promise<void> {
  const sessions = { from: from.sessions, to: to.sessions };
  await eachAtOnce(sessionKeys(from.sessions), async (key) => {
    const difference = await compareSession(sessions, key);
    sum.sessions += 1;
    if (difference !== undefined) report(`session ${key}: ${difference}`);
    onSession();
  });
}

async function compareRecords({ from, to, clock }: ComparedStores, sum: Compared, report: Report): Promise<void> {
  for await (const { name, source, held } of recordPairs(from.records, to.records)) {
    // The two lists were read one after the other.
    if (((source ?? held)?.expiresAt ?? Infinity) <= clock()) continue;
    sum.records += 1;
    if (!source) report(`record ${name}: only in the target`);
    else if (!held) report(`record ${name}: missing`);
    else if (!isSameRecord(source, held)) report(`record ${name}: differs`);
  }
}

async function compareAudit({ from, to }: ComparedStores, sum: Compared, report: Report): Promise<void> {
  for (const { chain } of await from.audit.chains()) {
    for await (const rows of chainRows(from.audit, chain)) {
      sum.auditRows += rows.length;
      const held = await to.audit.read(chain, { from: rows[0]?.sequence ?? 0, limit: rows.length });
      const differing = rows.find((row, index) => !isSameRow(row, held[index]));
      if (differing) report(`audit chain ${chain}, entry ${differing.sequence}: differs`);
    }
  }
}

function isSameRow(left: AuditRow, right: AuditRow | undefined): boolean {
  if (left.sequence !== right?.sequence || left.at !== right.at || !left.entry.equals(right.entry)) return false;
  if (!left.details || !right.details) return left.details === right.details;
  return left.details.equals(right.details);
}
