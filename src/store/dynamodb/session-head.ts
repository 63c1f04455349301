import type { SessionFields } from "../session-store.ts";
import { partition, sortKey } from "./dynamo-keys.ts";
import type { Item, ItemKey } from "./dynamo-table.ts";
import { bytesIn, deleteAt, numberIn, textIn } from "./item-values.ts";

/** Where DynamoDB's clock may be by comparison with ours, generously. */
const HEAD_GRACE_MS = 3_600_000;

export interface TurnPointer {
  /** -1 for none. */
  readonly sequence: number;
  readonly id: string;
}

export interface SlotPointer {
  readonly name: string;
  readonly version: string;
  readonly parts: number;
}

/** The item that says which of the partition's other items count. */
export interface SessionHead {
  readonly key: string;
  readonly revision: string;
  readonly fields: SessionFields;
  readonly sealed: Buffer;
  readonly last: TurnPointer;
  readonly slots: readonly SlotPointer[];
  /** Until when (ms) DynamoDB surely keeps the session's turns, slots and index entry. */
  readonly keptUntil: number;
}

/** Sorts behind everything else of a session, so that a query backwards begins with it. */
export const HEAD = sortKey("3#head");

export const sessionPartition = (key: string): string => partition("session", key);
export const headKey = (key: string): ItemKey => ({ pk: sessionPartition(key), sk: HEAD });
export const noTurn: TurnPointer = { sequence: -1, id: "" };
export const isHead = (item: Item): boolean => bytesIn(item, "sk").equals(HEAD);

export function incarnationOf(revision: string): string {
  return revision.split(".", 1)[0] ?? "";
}

export function encodeHead({ key, revision, fields, sealed, last, slots, keptUntil }: SessionHead): Item {
  return {
    pk: { S: sessionPartition(key) },
    sk: { B: HEAD },
    sessionKey: { S: key },
    revision: { S: revision },
    ownerName: { S: fields.owner },
    createdAt: { N: String(fields.createdAt) },
    expiresAt: { N: String(fields.expiresAt) },
    loadFrom: { N: String(fields.loadFrom) },
    sealed: { B: sealed },
    lastSequence: { N: String(last.sequence) },
    lastTurn: { S: last.id },
    // Names are anybody's, and a map in an item would make them keys of an object.
    slots: { S: JSON.stringify(slots.map(({ name, version, parts }) => [name, version, parts])) },
    keptUntil: { N: String(keptUntil) },
    ...deleteAt(fields.expiresAt + HEAD_GRACE_MS),
  };
}

export function decodeHead(item: Item): SessionHead {
  const slots = JSON.parse(textIn(item, "slots")) as [string, string, number][];
  return {
    key: textIn(item, "sessionKey"),
    revision: textIn(item, "revision"),
    fields: {
      owner: textIn(item, "ownerName"),
      createdAt: numberIn(item, "createdAt"),
      expiresAt: numberIn(item, "expiresAt"),
      loadFrom: numberIn(item, "loadFrom"),
    },
    sealed: bytesIn(item, "sealed"),
    last: { sequence: numberIn(item, "lastSequence"), id: textIn(item, "lastTurn") },
    slots: slots.map(([name, version, parts]) => ({ name, version, parts })),
    keptUntil: numberIn(item, "keptUntil"),
  };
}
