import type { SealedTurn } from "../session-store.ts";
import { padded, sortKey } from "./dynamo-keys.ts";
import type { Item } from "./dynamo-table.ts";
import { bytesIn, deleteAt, numberIn, textIn } from "./item-values.ts";
import { incarnationOf, sessionPartition, type SlotPointer, type TurnPointer } from "./session-head.ts";

/** An item may have 400 KB, names and keys included. */
const PART_BYTES = 380 * 1_024;
const PART_DIGITS = 4;
/** How long rows may outlast the moment at which their session was to end when they were written. */
export const ROW_GRACE_MS = 7 * 24 * 3_600_000;

/** What all rows of one commit have in common. */
export interface RowContext {
  readonly key: string;
  readonly revision: string;
  /** By our clock, in milliseconds. */
  readonly writtenAt: number;
  readonly keptUntil: number;
}

/** A turn's part as it lies in the table. */
export interface TurnPart {
  readonly sequence: number;
  readonly id: string;
  readonly part: number;
  readonly parts: number;
  readonly previous: TurnPointer;
  readonly incarnation: string;
  readonly bytes: Buffer;
}

/** The first key that a turn with this sequence can have. */
export const turnsFrom = (sequence: number): Buffer => sortKey(`1#turn#${padded(Math.max(sequence, 0))}#`);
export const isTurn = (sk: Buffer): boolean => sk.toString("latin1", 0, 2) === "1#";
const slotKey = (version: string, part: number): Buffer => sortKey(`2#slot#${version}#${padded(part, PART_DIGITS)}`);

export const partsOf = (bytes: Buffer): number => Math.max(Math.ceil(bytes.length / PART_BYTES), 1);

/**
 * The id in the key keeps racing writers apart; `previous` says which turn of the sequence before this one follows.
 * @throws TypeError for an id that would not keep its place in a key
 */
export function turnRows(context: RowContext, { sequence, id, sealed }: SealedTurn, previous: TurnPointer): Item[] {
  if (!/^[0-9a-f]{32}$/.test(id)) throw new TypeError("a turn id has 32 hex digits");
  return split(sealed).map((bytes, part) => ({
    ...rowOf(context, sortKey(`${turnsFrom(sequence).toString()}${id}#${padded(part, PART_DIGITS)}`), bytes),
    parts: { N: String(partsOf(sealed)) },
    previous: { S: `${previous.sequence} ${previous.id}` },
  }));
}

export function slotRows(context: RowContext, { version }: SlotPointer, sealed: Buffer): Item[] {
  return split(sealed).map((bytes, part) => rowOf(context, slotKey(version, part), bytes));
}

export function slotKeys({ version, parts }: SlotPointer): Buffer[] {
  return Array.from({ length: parts }, (_, part) => slotKey(version, part));
}

export function parseTurnPart(item: Item): TurnPart {
  const [, , sequence, id = "", part] = bytesIn(item, "sk").toString("latin1").split("#");
  const [previousSequence, previousId = ""] = textIn(item, "previous").split(" ");
  return {
    sequence: Number(sequence),
    id,
    part: Number(part),
    parts: numberIn(item, "parts"),
    previous: { sequence: Number(previousSequence), id: previousId },
    incarnation: textIn(item, "incarnation"),
    bytes: item["bytes"] ? bytesIn(item, "bytes") : Buffer.alloc(0),
  };
}

function rowOf({ key, revision, writtenAt, keptUntil }: RowContext, sk: Buffer, bytes: Buffer): Item {
  return {
    pk: { S: sessionPartition(key) },
    sk: { B: sk },
    incarnation: { S: incarnationOf(revision) },
    writtenAt: { N: String(writtenAt) },
    bytes: { B: bytes },
    ...deleteAt(keptUntil),
  };
}

function split(bytes: Buffer): Buffer[] {
  return Array.from({ length: partsOf(bytes) }, (_, part) =>
    bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES),
  );
}
