import type { DatabaseSync } from "node:sqlite";

import { createRecordSlots } from "./record-slots.ts";

const ROWS_AT_ONCE = 500;
const SESSIONS_DELETED = 20;
/** Another process may still count in a window that has ended by this one's clock. */
const WINDOW_GRACE_MS = 60_000;

/** Deletes a few expired rows; true while there may be more. */
type Sweep = (now: number) => boolean;

export function createSweeper(database: DatabaseSync): Sweep {
  const sweeps = [
    createSessionSweep(database),
    createRecordSweep(database),
    createRowSweep(database, "DELETE FROM leases WHERE name IN (SELECT name FROM leases WHERE until <= ? LIMIT ?)"),
    createWindowSweep(database),
    createRowSweep(
      database,
      `DELETE FROM places WHERE (name, holder) IN (SELECT name, holder FROM places WHERE until <= ? LIMIT ?)`,
    ),
    createRowSweep(database, "DELETE FROM notices WHERE id IN (SELECT id FROM notices WHERE until <= ? LIMIT ?)"),
  ];
  return (now) => sweeps.map((sweep) => sweep(now)).some(Boolean);
}

/** @param sql takes the time and how many rows */
function createRowSweep(database: DatabaseSync, sql: string): Sweep {
  const forget = database.prepare(sql);
  return (now) => Number(forget.run(now, ROWS_AT_ONCE).changes) === ROWS_AT_ONCE;
}

function createWindowSweep(database: DatabaseSync): Sweep {
  const sweep = createRowSweep(
    database,
    `DELETE FROM quota_windows WHERE (name, starts_at) IN
     (SELECT name, starts_at FROM quota_windows WHERE ends_at <= ? LIMIT ?)`,
  );
  return (now) => sweep(now - WINDOW_GRACE_MS);
}

function createRecordSweep(database: DatabaseSync): Sweep {
  const slots = createRecordSlots(database);
  const forget = database.prepare(
    `DELETE FROM records WHERE name IN (SELECT name FROM records WHERE expires_at <= ? LIMIT ?) RETURNING slot`,
  );
  return (now) => {
    const forgotten = forget.all(now, ROWS_AT_ONCE);
    for (const row of forgotten) slots.erase(Number(row["slot"]));
    return forgotten.length === ROWS_AT_ONCE;
  };
}

/** Walks the sessions in a circle. */
function createSessionSweep(database: DatabaseSync): Sweep {
  const slice = database.prepare("SELECT id, expires_at FROM sessions WHERE id > ? ORDER BY id LIMIT ?");
  const forget = database.prepare("DELETE FROM sessions WHERE id = ?");
  let lastLookedAt = 0;

  return (now) => {
    const rows = slice.all(lastLookedAt, ROWS_AT_ONCE);
    const expired = rows.filter((row) => Number(row["expires_at"]) <= now).map((row) => Number(row["id"]));
    for (const id of expired.slice(0, SESSIONS_DELETED)) forget.run(id);

    const lastDeleted = expired.length > SESSIONS_DELETED ? expired[SESSIONS_DELETED - 1] : undefined;
    if (lastDeleted === undefined && rows.length < ROWS_AT_ONCE) {
      lastLookedAt = 0;
      return false;
    }
    lastLookedAt = lastDeleted ?? Number(rows.at(-1)?.["id"]);
    return true;
  };
}
