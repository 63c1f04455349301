import { decodeEntry, type AuditEntry, encodeEntry, hashOf, signedText } from "../../../src/audit/audit-entry.ts";
import type { AuditSigner } from "../../../src/audit/audit-signer.ts";
import type { AuditRow } from "../../../src/store/audit-store.ts";

/** A number below `end`, of the mutation's own randomness. */
export type Pick = (end: number) => number;

/** One thing that somebody with write access to the store might do. `undefined` where it changes nothing. */
export type Mutation = (rows: readonly AuditRow[], pick: Pick) => AuditRow[] | undefined;

type Row = AuditRow;

const at = <T>(items: readonly T[], index: number): T => {
  const item = items[index];
  if (item === undefined) throw new RangeError("nothing there");
  return item;
};
const change = (rows: readonly Row[], index: number, more: Partial<Row>): Row[] =>
  rows.map((row, place) => (place === index ? { ...row, ...more } : row));
const flipOne = (bytes: Buffer, pick: Pick): Buffer => {
  const flipped = Buffer.from(bytes);
  const place = pick(bytes.length);
  flipped.writeUInt8(flipped.readUInt8(place) ^ (1 << pick(8)), place);
  return flipped;
};
const withDetails = (rows: readonly Row[]): number[] =>
  rows.flatMap(({ details }, index) => (details === undefined ? [] : [index]));
const chainsOf = (rows: readonly Row[]): string[] => [...new Set(rows.map(({ chain }) => chain))];
const insert = (rows: readonly Row[], index: number, row: Row): Row[] => rows.toSpliced(index, 0, row);

/** The chain's entries numbered and linked anew, as someone would who knows the format but has no key. */
function relink(rows: readonly Row[], chain: string, sign?: (entry: AuditEntry) => string): Row[] {
  let [sequence, previous] = [0, ""];
  return rows.map((row) => {
    if (row.chain !== chain) return row;
    const entry: AuditEntry = { ...decodeEntry(row.entry), chain, sequence, previous };
    const signature = entry.signature === undefined ? undefined : (sign?.(entry) ?? entry.signature);
    const bytes = encodeEntry({ ...entry, signature });
    previous = hashOf(bytes);
    return { ...row, sequence: sequence++, at: entry.at, entry: bytes };
  });
}

const rewriteEntry = (rows: readonly Row[], index: number, more: Partial<AuditEntry>): Row[] =>
  change(rows, index, { entry: encodeEntry({ ...decodeEntry(at(rows, index).entry), ...more }) });

export const mutations: Readonly<Record<string, Mutation>> = {
  "flips a bit of an entry": (rows, pick) => {
    const index = pick(rows.length);
    return change(rows, index, { entry: flipOne(at(rows, index).entry, pick) });
  },
  "flips a bit of sealed particulars": (rows, pick) => {
    const places = withDetails(rows);
    const index = at(places, pick(places.length));
    return change(rows, index, { details: flipOne(at(rows, index).details ?? Buffer.alloc(1), pick) });
  },
  "swaps sealed particulars": (rows, pick) => {
    const places = withDetails(rows);
    const [left, right] = [at(places, pick(places.length)), at(places, pick(places.length))];
    return left === right ? undefined : change(rows, left, { details: at(rows, right).details });
  },
  "adds particulars to an entry without": (rows, pick) => {
    const index = pick(rows.length);
    return at(rows, index).details ? undefined : change(rows, index, { details: Buffer.from("forged") });
  },
  "dates a row anew": (rows, pick) => {
    const index = pick(rows.length);
    return change(rows, index, { at: at(rows, index).at + 1 + pick(1_000) });
  },
  "numbers a row anew": (rows, pick) => {
    const index = pick(rows.length);
    return change(rows, index, { sequence: at(rows, index).sequence + 1 + pick(50) });
  },
  "removes a row": (rows, pick) => rows.toSpliced(pick(rows.length), 1),
  "removes several rows": (rows, pick) => rows.toSpliced(pick(rows.length), 1 + pick(80)),
  "repeats a row": (rows, pick) => insert(rows, pick(rows.length + 1), at(rows, pick(rows.length))),
  "swaps two rows of a chain": (rows, pick) => {
    const left = pick(rows.length);
    const own = rows.flatMap(({ chain }, index) => (chain === at(rows, left).chain ? [index] : []));
    const right = at(own, pick(own.length));
    return left === right ? undefined : change(change(rows, left, at(rows, right)), right, at(rows, left));
  },
  "moves a row to another chain": (rows, pick) => {
    const index = pick(rows.length);
    const chain = at(chainsOf(rows), pick(chainsOf(rows).length));
    return chain === at(rows, index).chain ? undefined : change(rows, index, { chain });
  },
  "puts in an entry and links all anew": (rows, pick) => {
    const row = at(rows, pick(rows.length));
    return relink(insert(rows, rows.indexOf(row), { ...row, details: undefined }), row.chain);
  },
  "changes an entry and links all anew": (rows, pick) => {
    const index = pick(rows.length);
    const { event, chain } = { ...decodeEntry(at(rows, index).entry) };
    if (event === "audit_head" || event === "sys_startup") return undefined;
    return relink(rewriteEntry(rows, index, { reason: "forged" }), chain);
  },
  "removes an entry and links all anew": (rows, pick) => {
    const index = pick(rows.length);
    return relink(rows.toSpliced(index, 1), at(rows, index).chain);
  },
  "hides how many are missing": (rows) => {
    const index = rows.findIndex(({ entry }) => decodeEntry(entry).missing !== undefined);
    return relink(rewriteEntry(rows, index, { missing: undefined }), at(rows, index).chain);
  },
  "cuts a chain short": (rows, pick) => {
    const chain = at(chainsOf(rows), pick(chainsOf(rows).length));
    const length = rows.filter((row) => row.chain === chain).length;
    const keep = pick(length);
    return rows.filter((row) => row.chain !== chain || row.sequence < keep);
  },
  "removes a chain": (rows, pick) => {
    const chain = at(chainsOf(rows), pick(chainsOf(rows).length));
    return rows.filter((row) => row.chain !== chain);
  },
  "makes a chain up from another": (rows, pick) => {
    const from = at(chainsOf(rows), pick(chainsOf(rows).length));
    const chain = "f".repeat(32);
    const copies = rows.filter((row) => row.chain === from).map((row) => ({ ...row, chain, details: undefined }));
    return relink([...rows, ...copies], chain);
  },
};

/** What only a key of one's own could do: a whole chain linked and signed anew. */
export const signedByAnother =
  (signer: AuditSigner): Mutation =>
  (rows, pick) => {
    const chain = at(chainsOf(rows), pick(chainsOf(rows).length));
    return relink(rows, chain, (entry) => signer.sign(signedText(entry)));
  };
