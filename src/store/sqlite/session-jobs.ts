import type { DatabaseSync } from "node:sqlite";

import type { CommitJob, JobHandlers } from "./write-job.ts";

/** A session may have thousands of turns: commits of others get their turn in between. */
const REMOVED_AT_ONCE = 20;

type SessionJobHandlers = Pick<JobHandlers, "commit" | "remove" | "remove-owner">;

export function createSessionJobs(database: DatabaseSync): SessionJobHandlers {
  const remove = database.prepare("DELETE FROM sessions WHERE key = ? RETURNING expires_at");
  return {
    commit: createCommit(database),
    remove: ({ key, now }) => Number(remove.get(key)?.["expires_at"] ?? 0) > now,
    "remove-owner": createRemoveOwner(database),
  };
}

function createRemoveOwner(database: DatabaseSync): SessionJobHandlers["remove-owner"] {
  const remove = database.prepare(
    `DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE owner = ? LIMIT ${REMOVED_AT_ONCE})
     RETURNING expires_at`,
  );
  return ({ now, owner }) => {
    const removed = remove.all(owner);
    const live = removed.filter((row) => Number(row["expires_at"]) > now).length;
    return { live, isDone: removed.length < REMOVED_AT_ONCE };
  };
}

function createCommit(database: DatabaseSync): (job: CommitJob) => boolean {
  const goOn = createGoOn(database);
  const writeWhole = createWholeWriter(database);
  const writeRecords = createRecordWriter(database);
  return (job) => {
    const session = goOn(job) ?? writeWhole(job);
    if (typeof session === "boolean") return session;
    writeRecords(session, job);
    return true;
  };
}

/** The common case in one statement: the session is where the commit expects it. Its id, or nothing is written. */
function createGoOn(database: DatabaseSync): (job: CommitJob) => number | undefined {
  // The index of an owner's sessions is written anew wherever its columns are set, whatever their values.
  const update = database.prepare(
    `UPDATE sessions SET revision = ?, expires_at = ?, load_from = ?, head = ?
     WHERE key = ? AND revision = ? AND expires_at > ? AND owner = ? AND created_at = ? RETURNING id`,
  );
  update.setReturnArrays(true);
  return ({ now, key, expected, revision, fields: { owner, createdAt, expiresAt, loadFrom }, head }) => {
    if (expected === undefined) return undefined;
    const row = update.get(revision, expiresAt, loadFrom, head, key, expected, now, owner, createdAt);
    return row && Number(row[0]);
  };
}

/** The id of the session whose row it wrote, or the commit's answer where there is nothing to write. */
function createWholeWriter(database: DatabaseSync): (job: CommitJob) => number | boolean {
  const find = database.prepare("SELECT id, revision, expires_at FROM sessions WHERE key = ?");
  const forget = database.prepare("DELETE FROM sessions WHERE id = ?");
  const isInPlace = createInPlaceCheck(database);
  const insert = database.prepare(
    `INSERT INTO sessions (key, revision, owner, created_at, expires_at, load_from, head)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const update = database.prepare(
    `UPDATE sessions SET revision = ?, owner = ?, created_at = ?, expires_at = ?, load_from = ?, head = ?
     WHERE id = ?`,
  );
  return (job) => {
    const { key, revision, fields, head } = job;
    const row = find.get(key);
    const live = row !== undefined && Number(row["expires_at"]) > job.now ? row : undefined;
    if (live?.["revision"] !== job.expected) {
      return live?.["revision"] === revision && isInPlace(Number(live["id"]), job);
    }
    const columns = [revision, fields.owner, fields.createdAt, fields.expiresAt, fields.loadFrom, head];
    if (live) {
      update.run(...columns, Number(live["id"]));
      return Number(live["id"]);
    }
    if (row) forget.run(Number(row["id"]));
    return Number(insert.run(key, ...columns).lastInsertRowid);
  };
}

function createInPlaceCheck(database: DatabaseSync): (session: number, job: CommitJob) => boolean {
  const sameHead = database.prepare("SELECT 1 FROM sessions WHERE id = ? AND head = ?");
  const sameTurn = database.prepare("SELECT 1 FROM turns WHERE session = ? AND sequence = ? AND turn = ?");
  return (session, { head, turn }) => {
    if (!sameHead.get(session, head)) return false;
    return turn === undefined || sameTurn.get(session, turn.sequence, turn.id) !== undefined;
  };
}

function createRecordWriter(database: DatabaseSync): (session: number, job: CommitJob) => void {
  const addTurn = database.prepare("INSERT INTO turns (session, sequence, turn, sealed) VALUES (?, ?, ?, ?)");
  const dropSlot = database.prepare("DELETE FROM slots WHERE session = ? AND name = ?");
  const putSlot = database.prepare(
    `INSERT INTO slots (session, name, sealed) VALUES (?, ?, ?)
     ON CONFLICT (session, name) DO UPDATE SET sealed = excluded.sealed`,
  );
  return (session, { turn, slots }) => {
    if (turn) addTurn.run(session, turn.sequence, turn.id, turn.sealed);
    for (const [name, sealed] of slots) {
      if (sealed) putSlot.run(session, name, sealed);
      else dropSlot.run(session, name);
    }
  };
}
