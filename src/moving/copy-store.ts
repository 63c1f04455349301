import { ROOT_SECRET_NAME } from "../sealing/root-secret.ts";
import type { StoreBackend } from "../store/store-backend.ts";
import { chainLengths, chainRows } from "./audit-chains.ts";
import { copySession } from "./copy-session.ts";
import { isSameRecord, recordPairs } from "./record-pairs.ts";
import { eachAtOnce, sessionKeys } from "./session-keys.ts";
import { knownAs } from "./session-turns.ts";

export interface CopyParts {
  readonly from: StoreBackend;
  /** Empty, or a part of the source: see `findObstacle`. */
  readonly to: StoreBackend;
  /** Told after each session. */
  readonly onSession: () => void;
}

/** What was written, and what was not because it was there. */
export interface CopyCounts {
  sessions: number;
  turns: number;
  records: number;
  auditRows: number;
  /** Sessions of the source that the target had already. */
  sessionsThere: number;
  /** Sessions and records that the source no longer has. */
  removed: number;
  /** Sessions that somebody else wrote in the target at the same time. */
  contested: number;
}

/**
 * Makes the target hold what the source holds: sessions, records and the audit log, byte for byte. Leases, quotas and
 * notices last minutes and stay behind. May be broken off and run again; a session that is there is not written again.
 */
export async function copyStore(parts: CopyParts): Promise<CopyCounts> {
  const counts = { sessions: 0, turns: 0, records: 0, auditRows: 0, sessionsThere: 0, removed: 0, contested: 0 };
  await claimTarget(parts);
  await copySessions(parts, counts);
  // After the sessions: a data key is made before the first session that it seals, and destroyed before the last.
  await copyRecords(parts, counts);
  await copyAudit(parts, counts);
  await removeWhatIsGone(parts, counts);
  return counts;
}

/** The root secret first: by it the next run knows that what it finds is a part of this source. */
async function claimTarget({ from, to }: CopyParts): Promise<void> {
  const secret = await from.records.read(ROOT_SECRET_NAME);
  if (secret) await to.records.putIfAbsent(ROOT_SECRET_NAME, secret);
}

async function copySessions({ from, to, onSession }: CopyParts, counts: CopyCounts): Promise<void> {
  const stores = { from: from.sessions, to: to.sessions };
  const underWay = new Set<string>();
  await eachAtOnce(sessionKeys(from.sessions), async (key) => {
    // A walk may name a session twice.
    if (underWay.has(key)) return;
    underWay.add(key);
    const { outcome, turns } = await copySession(stores, key).finally(() => underWay.delete(key));
    if (outcome === "copied") counts.sessions += 1;
    if (outcome === "there") counts.sessionsThere += 1;
    if (outcome === "contested") counts.contested += 1;
    counts.turns += turns;
    onSession();
  });
}

async function copyRecords({ from, to }: CopyParts, counts: CopyCounts): Promise<void> {
  await eachAtOnce(recordPairs(from.records, to.records), async ({ name, source, held }) => {
    if (!source) {
      counts.removed += 1;
      return void (await to.records.remove(name));
    }
    if (held && isSameRecord(source, held)) return;
    counts.records += 1;
    const { bytes, expiresAt } = source;
    if (!held) return void (await to.records.putIfAbsent(name, bytes, expiresAt));
    await to.records.replace(name, { expected: held.bytes, bytes, ...(expiresAt !== undefined && { expiresAt }) });
  });
}

async function copyAudit({ from, to }: CopyParts, counts: CopyCounts): Promise<void> {
  const lengths = await chainLengths(to.audit);
  for (const { chain } of await from.audit.chains()) {
    for await (const rows of chainRows(from.audit, chain, lengths.get(chain))) {
      await to.audit.append(rows);
      counts.auditRows += rows.length;
    }
  }
}

/** Sessions that ended between two runs, those of erased users above all. */
async function removeWhatIsGone({ from, to }: CopyParts, counts: CopyCounts): Promise<void> {
  await eachAtOnce(sessionKeys(to.sessions), async (key) => {
    const held = await to.sessions.load(key);
    if (!held || (await from.sessions.load(key, knownAs(held.revision)))) return;
    if (await to.sessions.remove(key)) counts.removed += 1;
  });
}
