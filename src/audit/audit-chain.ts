import { randomBytes } from "node:crypto";

import type { AuditRow } from "../store/audit-store.ts";
import { type AuditEntry, encodeEntry, hashOf, signedText } from "./audit-entry.ts";
import type { AuditSigner } from "./audit-signer.ts";

export type EntryFields = Pick<AuditEntry, "at" | "event" | "subject" | "reason" | "counts" | "missing" | "anchors">;

/** One chain while it grows. Pure: what it links must be stored in this order, or the chain is given up. */
export interface AuditChain {
  readonly id: string;
  /** Entries after the last signed head. */
  readonly unsigned: number;
  /** `seal` is given the entry's place. */
  link(fields: EntryFields, seal?: (place: string) => Buffer | undefined): AuditRow;
  sign(at: number, missing: number): AuditRow;
}

const CHAIN_ID_BYTES = 16;

export function createAuditChain(signer: AuditSigner): AuditChain {
  const id = randomBytes(CHAIN_ID_BYTES).toString("hex");
  let sequence = 0;
  let previous = "";
  let unsigned = 0;
  const rowOf = (entry: AuditEntry, details: Buffer | undefined): AuditRow => {
    const bytes = encodeEntry(entry);
    previous = hashOf(bytes);
    sequence += 1;
    return { chain: id, sequence: entry.sequence, at: entry.at, entry: bytes, details };
  };
  return {
    id,
    get unsigned() {
      return unsigned;
    },
    link(fields, seal) {
      const details = seal?.(placeOf(id, sequence));
      unsigned += 1;
      return rowOf({ v: 1, chain: id, sequence, ...fields, previous, details: details && hashOf(details) }, details);
    },
    sign(at, missing) {
      const head: AuditEntry = {
        v: 1,
        chain: id,
        sequence,
        at,
        event: "audit_head",
        missing: missing || undefined,
        previous,
      };
      unsigned = 0;
      return rowOf({ ...head, signature: signer.sign(signedText(head)) }, undefined);
    },
  };
}

export const placeOf = (chain: string, sequence: number): string => `${chain}.${sequence}`;
