import type { DatabaseSync } from "node:sqlite";

import { createSweeper } from "./sweeper.ts";
import type { CommitJob, RemoveJob, WriteJob } from "./write-job.ts";

/** Runs one job inside the transaction that the caller has open. */
export function createJobRunner(database: DatabaseSync): (job: WriteJob) => boolean {
  const commit = createCommit(database);
  const remove = createRemove(database);
  const putKey = database.prepare("INSERT INTO keys (name, bytes) VALUES (?, ?) ON CONFLICT DO NOTHING");
  const acquireLease = database.prepare(
    `INSERT INTO leases (name, holder, until) VALUES (?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE until <= ?`,
  );
  const releaseLease = database.prepare("DELETE FROM leases WHERE name = ? AND holder = ?");
  const sweep = createSweeper(database);

  return (job) => {
    switch (job.kind) {
      case "commit":
        return commit(job);
      case "remove":
        return remove(job);
      case "put-key":
        return putKey.run(job.name, job.bytes).changes === 1;
      case "acquire-lease":
        return acquireLease.run(job.name, job.holder, job.until, job.now).changes === 1;
      case "release-lease":
        return releaseLease.run(job.name, job.holder).changes === 1;
      case "sweep":
        return sweep(job.now);
    }
  };
}

function createRemove(database: DatabaseSync): (job: RemoveJob) => boolean {
  const remove = database.prepare("DELETE FROM sessions WHERE key = ? RETURNING expires_at");
  return ({ key, now }) => Number(remove.get(key)?.["expires_at"] ?? 0) > now;
}

function createCommit(database: DatabaseSync): (job: CommitJob) => boolean {
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
  const writeRecords = createRecordWriter(database);

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
      writeRecords(Number(live["id"]), job);
    } else {
      if (row) forget.run(Number(row["id"]));
      writeRecords(Number(insert.run(key, ...columns).lastInsertRowid), job);
    }
    return true;
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
