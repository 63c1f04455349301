import { hash } from "node:crypto";

import type { AuditRow } from "../store/audit-store.ts";
import type { EntryEvent } from "./audit-log.ts";

/** One link of a chain, as it is stored. Nothing in it can name a person once the user's data key is gone. */
export interface AuditEntry {
  readonly v: 1;
  readonly chain: string;
  readonly sequence: number;
  readonly at: number;
  readonly event: EntryEvent;
  /** `user.…`: a hash under the user's data key. `process.…`: under a random key of this process, for who has none. */
  readonly subject?: string | undefined;
  readonly reason?: string | undefined;
  readonly counts?: Readonly<Record<string, number>> | undefined;
  /** So many entries before this one were lost: the store was down for longer than the buffer lasted. */
  readonly missing?: number | undefined;
  /** In the first entry: where other chains stood when this one began. */
  readonly anchors?: readonly AuditAnchor[] | undefined;
  /** Hash of the entry before; "" in the first. */
  readonly previous: string;
  /** Hash of the row's sealed particulars. */
  readonly details?: string | undefined;
  /** In a signed head: over everything before it. */
  readonly signature?: string | undefined;
}

/** An entry that was seen at its place: its chain is incomplete without it. */
export interface AuditAnchor {
  readonly chain: string;
  readonly sequence: number;
  readonly hash: string;
}

/** JSON in one order of keys and without spaces: one entry, one text. */
export function encodeEntry(entry: AuditEntry): Buffer {
  const { v, chain, sequence, at, event, subject, reason, counts, missing, anchors, previous, details } = entry;
  const ordered = { v, chain, sequence, at, event, subject, reason, counts: counts && sorted(counts), missing };
  const places = anchors?.map((anchor) => ({ chain: anchor.chain, sequence: anchor.sequence, hash: anchor.hash }));
  return Buffer.from(JSON.stringify({ ...ordered, anchors: places, previous, details, signature: entry.signature }));
}

/** @throws SyntaxError or TypeError for anything but the text that `encodeEntry` gives */
export function decodeEntry(bytes: Buffer): AuditEntry {
  const entry = parseEntry(bytes);
  if (!isCanonical(entry, bytes)) throw new TypeError("not in the canonical form of an audit entry");
  return entry;
}

/** Whatever JSON it is, for those who compare its hash. @throws SyntaxError */
export const parseEntry = (bytes: Buffer): AuditEntry => JSON.parse(bytes.toString("utf8")) as AuditEntry;

export const isCanonical = (entry: AuditEntry, bytes: Buffer): boolean => encodeEntry(entry).equals(bytes);

/** 256 bits as 43 base64url characters. */
export const hashOf = (bytes: Buffer): string => hash("sha256", bytes, "base64url");

export const anchorOf = ({ chain, sequence, entry }: AuditRow): AuditAnchor => ({
  chain,
  sequence,
  hash: hashOf(entry),
});

/** What the signature of a head covers: itself and, with `previous`, the whole chain before it. */
export const signedText = (head: AuditEntry): Buffer =>
  Buffer.concat([Buffer.from("stategate/audit-head/1 "), encodeEntry({ ...head, signature: undefined })]);

const sorted = (counts: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).sort(([left], [right]) => (left < right ? -1 : 1)));
