import type { AuditRow } from "../store/audit-store.ts";
import { type AuditAnchor, type AuditEntry, decodeEntry, hashOf } from "./audit-entry.ts";
import { createSignatureCheck } from "./audit-signer.ts";
import { type AuditFault, type ChainCheck, createChainCheck } from "./check-chain.ts";

/** All rows, in batches; of each chain in order. It is read twice. */
export type AuditRows = () => AsyncIterable<readonly AuditRow[]>;

interface VerifyOptions {
  /** Where it comes from decides what a good verdict is worth: keep it away from the store. */
  readonly publicKey: string;
  /** Entries that left the gateway while they were written; each must still be there. */
  readonly seen: readonly AuditAnchor[];
}

export interface AuditVerdict {
  readonly chains: number;
  readonly entries: number;
  /** Lost while the store was down, as the chains themselves say. */
  readonly missing: number;
  /** Entries after the last signed head of their chain: what happens to them is not seen yet. */
  readonly unsigned: number;
  /** Entries whose sealed particulars are no longer there. */
  readonly withoutDetails: number;
  /** The first of them. */
  readonly faults: readonly AuditFault[];
  readonly faultCount: number;
}

const MAX_FAULTS = 100;

/**
 * Whether rows are what gateways wrote, all of it and in order, up to the last signed head of each chain and to what
 * `seen` and later chains remember. Needs no store and no secret. Rejects only when reading does.
 */
export async function verifyAudit(rows: AuditRows, { publicKey, seen }: VerifyOptions): Promise<AuditVerdict> {
  const isSigned = createSignatureCheck(publicKey);
  const anchors = anchorsByChain([...seen, ...(await readAnchors(rows))]);
  const checks = new Map<string, ChainCheck>();
  const faults: AuditFault[] = [];
  let faultCount = 0;
  const report = (fault: AuditFault): void => {
    faultCount += 1;
    if (faults.length < MAX_FAULTS) faults.push(fault);
  };
  for await (const batch of rows()) {
    for (const row of batch) {
      let check = checks.get(row.chain);
      if (!check) {
        check = createChainCheck({ chain: row.chain, anchors: anchors.get(row.chain) ?? [], isSigned, report });
        checks.set(row.chain, check);
      }
      check.take(row);
    }
  }
  const totals = [...checks.values()].map((check) => check.end());
  for (const [chain, places] of anchors) {
    if (!checks.has(chain)) report({ chain, sequence: places.at(-1)?.sequence ?? 0, what: "the whole chain is gone" });
  }
  const sum = (pick: (total: (typeof totals)[number]) => number): number =>
    totals.reduce((before, total) => before + pick(total), 0);
  return {
    chains: checks.size,
    entries: sum(({ entries }) => entries),
    missing: sum(({ missing }) => missing),
    unsigned: sum(({ unsigned }) => unsigned),
    withoutDetails: sum(({ withoutDetails }) => withoutDetails),
    faults,
    faultCount,
  };
}

/** First, because clocks differ: a chain may come before the rows that it remembers. */
async function readAnchors(rows: AuditRows): Promise<AuditAnchor[]> {
  const found: AuditAnchor[] = [];
  for await (const batch of rows()) {
    for (const row of batch) {
      if (row.sequence === 0) found.push(...(tryDecode(row)?.anchors ?? []));
    }
  }
  return found;
}

function tryDecode({ entry }: AuditRow): AuditEntry | undefined {
  try {
    return decodeEntry(entry);
  } catch {
    return undefined;
  }
}

function anchorsByChain(anchors: readonly AuditAnchor[]): Map<string, AuditAnchor[]> {
  const byChain = Map.groupBy(anchors, ({ chain }) => chain);
  for (const places of byChain.values()) places.sort((left, right) => left.sequence - right.sequence);
  return byChain;
}

/** What a forwarded line proves. @throws SyntaxError or TypeError for another line */
export function anchorOfLine(line: string): AuditAnchor {
  const bytes = Buffer.from(line);
  const { chain, sequence } = decodeEntry(bytes);
  return { chain, sequence, hash: hashOf(bytes) };
}
