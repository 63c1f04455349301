import type { AuditRow } from "../store/audit-store.ts";
import { type AuditAnchor, type AuditEntry, hashOf, isCanonical, parseEntry, signedText } from "./audit-entry.ts";
import { ENTRIES_PER_HEAD } from "./audit-writer.ts";

export interface AuditFault {
  readonly chain: string;
  readonly sequence: number;
  readonly what: string;
}

interface ChainCheckOptions {
  readonly chain: string;
  /** In the order of their sequence. */
  readonly anchors: readonly AuditAnchor[];
  readonly isSigned: (text: Buffer, signature: string) => boolean;
  readonly report: (fault: AuditFault) => void;
}

interface ChainTotals {
  readonly entries: number;
  readonly missing: number;
  readonly unsigned: number;
  readonly withoutDetails: number;
}

/** Follows one chain from its first row to its last. */
export interface ChainCheck {
  take(row: AuditRow): void;
  end(): ChainTotals;
}

export function createChainCheck({ chain, anchors, isSigned, report }: ChainCheckOptions): ChainCheck {
  let [next, previous, nextAnchor] = [0, "", 0];
  let head: AuditEntry | undefined;
  let [entries, missing, unsigned, withoutDetails] = [0, 0, 0, 0];
  const fault = (sequence: number, what: string): void => report({ chain, sequence, what });

  const checkPlace = ({ sequence }: AuditRow, entry: AuditEntry): void => {
    if (sequence > next) fault(next, `${sequence - next} entries are gone`);
    else if (sequence < next) fault(sequence, "an entry stands twice, or in the wrong place");
    else if (entry.previous !== previous) fault(sequence, "does not follow the entry before it");
    if (sequence === 0 && entry.event !== "sys_startup") fault(0, "does not begin as a chain begins");
  };
  const checkAnchors = (sequence: number, found: string): void => {
    for (let anchor = anchors[nextAnchor]; anchor && anchor.sequence <= sequence; anchor = anchors[(nextAnchor += 1)]) {
      const isThere = anchor.sequence === sequence && anchor.hash === found;
      if (!isThere) fault(anchor.sequence, "is not the entry that was seen in this place");
    }
  };
  const checkDetails = ({ sequence, details }: AuditRow, entry: AuditEntry): void => {
    if (details === undefined && entry.details !== undefined) withoutDetails += 1;
    if (details !== undefined && entry.details !== hashOf(details)) fault(sequence, "has other sealed particulars");
  };
  const checkLength = (entry: AuditEntry): void => {
    if (entry.event === "audit_head") [head, unsigned] = [entry, 0];
    else unsigned += 1;
    if (unsigned === ENTRIES_PER_HEAD + 1) fault(entry.sequence, "no signed head for longer than any gateway waits");
  };

  return {
    take(row) {
      const { sequence } = row;
      entries += 1;
      const entry = decoded(row);
      const found = hashOf(row.entry);
      if (!entry) fault(sequence, "is no entry of this chain and place");
      else {
        checkPlace(row, entry);
        checkDetails(row, entry);
        checkLength(entry);
        missing += entry.missing ?? 0;
      }
      checkAnchors(sequence, found);
      next = sequence + 1;
      previous = found;
    },
    end() {
      for (const { sequence } of anchors.slice(nextAnchor)) fault(sequence, "was seen, and the chain ends before it");
      // The last head covers all before it, the earlier heads included.
      if (!head) fault(0, "no head is signed");
      else if (!isSigned(signedText(head), head.signature ?? "")) fault(head.sequence, "is not signed with this key");
      return { entries, missing, unsigned, withoutDetails };
    },
  };
}

/** `undefined` unless the row says of itself what its entry says. */
function decoded({ chain, sequence, at, entry: bytes }: AuditRow): AuditEntry | undefined {
  try {
    const entry = parseEntry(bytes);
    // The last head is the one entry of which no later hash tells that it was written another way.
    if (entry.event === "audit_head" && !isCanonical(entry, bytes)) return undefined;
    return entry.chain === chain && entry.sequence === sequence && entry.at === at ? entry : undefined;
  } catch {
    return undefined;
  }
}
