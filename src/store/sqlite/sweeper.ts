import type { DatabaseSync } from "node:sqlite";

const ROWS_LOOKED_AT = 500;
const SESSIONS_DELETED = 20;

/** Deletes expired rows a few at a time, walking the sessions in a circle. True while there may be more. */
export function createSweeper(database: DatabaseSync): (now: number) => boolean {
  const slice = database.prepare("SELECT id, expires_at FROM sessions WHERE id > ? ORDER BY id LIMIT ?");
  const forgetSession = database.prepare("DELETE FROM sessions WHERE id = ?");
  const forgetLeases = database.prepare("DELETE FROM leases WHERE until <= ?");
  let lastLookedAt = 0;

  return (now) => {
    if (lastLookedAt === 0) forgetLeases.run(now);
    const rows = slice.all(lastLookedAt, ROWS_LOOKED_AT);
    const expired = rows.filter((row) => Number(row["expires_at"]) <= now).map((row) => Number(row["id"]));
    for (const id of expired.slice(0, SESSIONS_DELETED)) forgetSession.run(id);

    const lastDeleted = expired.length > SESSIONS_DELETED ? expired[SESSIONS_DELETED - 1] : undefined;
    if (lastDeleted === undefined && rows.length < ROWS_LOOKED_AT) {
      lastLookedAt = 0;
      return false;
    }
    lastLookedAt = lastDeleted ?? Number(rows.at(-1)?.["id"]);
    return true;
  };
}
