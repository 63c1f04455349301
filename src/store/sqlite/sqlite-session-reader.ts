import type { DatabaseSync, SQLOutputValue } from "node:sqlite";

import type { Clock } from "../../kit/clock.ts";
import { isSameIncarnation } from "../revision.ts";
import {
  type KnownRevision,
  type ListPage,
  type ScannedKeys,
  type SealedTurn,
  type SessionFields,
  type SessionRow,
  type StoredSession,
  unchangedSession,
} from "../session-store.ts";
import { bufferOf } from "./sqlite-read.ts";

type Row = Record<string, SQLOutputValue>;

interface LiveSession {
  readonly id: number;
  /** What a load answers to whom knows this revision. */
  readonly unchanged: StoredSession;
}

const SCANNED_AT_ONCE = 500;

export interface SqliteSessionReader {
  load(key: string, known: KnownRevision | undefined): StoredSession | undefined;
  readTurns(key: string, from: number, to: number): SealedTurn[];
  list(owner: string, page: ListPage): SessionRow[];
  count(owner: string, atMost: number): number;
  scan(after: string | undefined): ScannedKeys;
}

/** Synchronous reads with prepared statements: an indexed row costs less than a hop to another thread. */
export function createSqliteSessionReader(database: DatabaseSync, clock: Clock): SqliteSessionReader {
  const findRow = database.prepare(
    "SELECT id, revision, owner, created_at, expires_at, load_from FROM sessions WHERE key = ?",
  );
  // Read on every turn: node:sqlite makes slow objects of rows, and fast arrays.
  findRow.setReturnArrays(true);
  const selectHead = database.prepare("SELECT head FROM sessions WHERE id = ?");
  const selectSlots = database.prepare("SELECT name, sealed FROM slots WHERE session = ?");
  const selectTurns = database.prepare(
    "SELECT sequence, turn, sealed FROM turns WHERE session = ? AND sequence >= ? AND sequence < ? ORDER BY sequence",
  );
  const count = database.prepare(
    "SELECT count(*) AS live FROM (SELECT 1 FROM sessions WHERE owner = ? AND expires_at > ? LIMIT ?)",
  );
  const findLive = (key: string): LiveSession | undefined => {
    const row = findRow.get(key);
    const expiresAt = Number(row?.[4]);
    if (!row || expiresAt <= clock()) return undefined;
    const fields = { owner: String(row[2]), createdAt: Number(row[3]), expiresAt, loadFrom: Number(row[5]) };
    return { id: Number(row[0]), unchanged: unchangedSession(String(row[1]), fields) };
  };
  const turnsBetween = (session: number, from: number, to: number): SealedTurn[] =>
    selectTurns.all(session, from, to).map(turnOf);

  const loadWhole = (key: string, known: KnownRevision | undefined): StoredSession | undefined => {
    const live = findLive(key);
    if (!live) return undefined;
    const { id: session, unchanged } = live;
    const continues = known !== undefined && isSameIncarnation(known.revision, unchanged.revision);
    const from = continues ? known.sequence + 1 : unchanged.fields.loadFrom;
    return {
      ...unchanged,
      head: bufferOf(selectHead.get(session)?.["head"]),
      slots: new Map(selectSlots.all(session).map((slot) => [String(slot["name"]), bufferOf(slot["sealed"])])),
      turns: turnsBetween(session, from, Number.MAX_SAFE_INTEGER),
    };
  };

  return {
    load(key, known) {
      const live = known && findLive(key);
      if (live && live.unchanged.revision === known.revision) return live.unchanged;
      return inSnapshot(database, () => loadWhole(key, known));
    },
    readTurns: (key, from, to) =>
      inSnapshot(database, () => {
        const live = findLive(key);
        return live ? turnsBetween(live.id, from, Math.min(to, Number.MAX_SAFE_INTEGER)) : [];
      }),
    list: createLister(database, clock),
    count: (owner, atMost) => Number(count.get(owner, clock(), atMost)?.["live"]),
    scan: createScanner(database, clock),
  };
}

function createLister(database: DatabaseSync, clock: Clock): SqliteSessionReader["list"] {
  const columns = "key, revision, owner, created_at, expires_at, load_from, head";
  const live = "owner = ? AND expires_at > ?";
  const statements = {
    asc: database.prepare(
      `SELECT ${columns} FROM sessions WHERE ${live} AND (created_at, key) > (?, ?)
       ORDER BY created_at ASC, key ASC LIMIT ?`,
    ),
    desc: database.prepare(
      `SELECT ${columns} FROM sessions WHERE ${live} AND (created_at, key) < (?, ?)
       ORDER BY created_at DESC, key DESC LIMIT ?`,
    ),
  };
  const beforeAll = { asc: { createdAt: -1, key: "" }, desc: { createdAt: Number.MAX_SAFE_INTEGER, key: "" } };
  return (owner, { limit, order, after = beforeAll[order] }) =>
    statements[order].all(owner, clock(), after.createdAt, after.key, limit).map((row) => ({
      key: String(row["key"]),
      revision: String(row["revision"]),
      fields: fieldsOf(row),
      head: bufferOf(row["head"]),
    }));
}

/** By the row's number: what is inserted meanwhile comes last, or into a gap that no session of the whole walk had. */
function createScanner(database: DatabaseSync, clock: Clock): SqliteSessionReader["scan"] {
  const select = database.prepare("SELECT id, key, expires_at FROM sessions WHERE id > ? ORDER BY id LIMIT ?");
  return (after = "0") => {
    const rows = select.all(Number(after), SCANNED_AT_ONCE);
    const last = rows[SCANNED_AT_ONCE - 1];
    const live = rows.filter((row) => Number(row["expires_at"]) > clock());
    return { keys: live.map((row) => String(row["key"])), ...(last && { next: String(last["id"]) }) };
  };
}

/** Statements outside a transaction would each see the newest state; inside they see one. */
function inSnapshot<T>(database: DatabaseSync, read: () => T): T {
  database.exec("BEGIN");
  try {
    return read();
  } finally {
    database.exec("COMMIT");
  }
}

function fieldsOf(row: Row): SessionFields {
  return {
    owner: String(row["owner"]),
    createdAt: Number(row["created_at"]),
    expiresAt: Number(row["expires_at"]),
    loadFrom: Number(row["load_from"]),
  };
}

function turnOf(row: Row): SealedTurn {
  return { sequence: Number(row["sequence"]), id: String(row["turn"]), sealed: bufferOf(row["sealed"]) };
}
