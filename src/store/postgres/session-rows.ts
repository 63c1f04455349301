import type {
  ListPage,
  SealedTurn,
  SessionCommit,
  SessionFields,
  SessionRow,
  StoredSession,
} from "../session-store.ts";
import type { Row } from "./postgres-client.ts";
import { bufferAt, nameAt, numberAt } from "./row-values.ts";

/** What `load_session` answers: a row for the session, one for each slot, one for each turn in order. */
export function parseSnapshot(rows: readonly Row[]): StoredSession | undefined {
  const session = rows.find(isPart("session"));
  if (!session) return undefined;
  return {
    revision: String(session["revision"]),
    fields: parseFields(session),
    head: session["sealed"] === null ? undefined : bufferAt(session, "sealed"),
    slots: new Map(rows.filter(isPart("slot")).map((row) => [nameAt(row, "name"), bufferAt(row, "sealed")])),
    turns: rows.filter(isPart("turn")).map(parseTurn),
  };
}

const isPart =
  (part: string) =>
  (row: Row): boolean =>
    row["part"] === part;

export function parseTurn(row: Row): SealedTurn {
  return {
    sequence: numberAt(row, "sequence"),
    id: bufferAt(row, "name").toString("hex"),
    sealed: bufferAt(row, "sealed"),
  };
}

export function parseSessionRow(row: Row): SessionRow {
  return {
    key: nameAt(row, "key"),
    revision: String(row["revision"]),
    fields: parseFields(row),
    head: bufferAt(row, "head"),
  };
}

function parseFields(row: Row): SessionFields {
  return {
    owner: nameAt(row, "owner"),
    createdAt: numberAt(row, "created_at"),
    expiresAt: numberAt(row, "expires_at"),
    loadFrom: numberAt(row, "load_from"),
  };
}

type Value = string | number | Buffer | null | (Buffer | null)[];

/** In the order of the parameters of `commit_session`. */
export function commitValues(commit: SessionCommit, now: number): Value[] {
  const { key, expected = null, revision, fields, head, turn, known } = commit;
  const slots = [...(commit.slots ?? [])];
  return [
    now,
    Buffer.from(key),
    expected,
    revision,
    Buffer.from(fields.owner),
    fields.createdAt,
    fields.expiresAt,
    fields.loadFrom,
    head,
    ...(turn ? [turn.sequence, encodeTurnId(turn.id), turn.sealed] : [null, null, null]),
    slots.map(([name]) => Buffer.from(name)),
    slots.map(([, sealed]) => sealed),
    known?.revision ?? null,
    known?.sequence ?? null,
  ];
}

function encodeTurnId(id: string): Buffer {
  if (!/^[0-9a-f]{32}$/.test(id)) throw new TypeError("a turn id has 32 lowercase hex digits");
  return Buffer.from(id, "hex");
}

/** The place after which a page of the listing starts. */
export function placeOf({ order, after }: ListPage): [createdAt: number, key: Buffer] {
  if (after) return [after.createdAt, Buffer.from(after.key)];
  return [order === "asc" ? -1 : Number.MAX_SAFE_INTEGER, Buffer.alloc(0)];
}
