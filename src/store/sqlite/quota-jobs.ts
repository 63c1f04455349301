import type { DatabaseSync } from "node:sqlite";

import type { JobHandlers } from "./write-job.ts";

type QuotaJobHandlers = Pick<JobHandlers, "take-quota" | "hold-places" | "forget-quota">;

/** The write lock that every batch takes first makes each of these one step for all processes. */
export function createQuotaJobs(database: DatabaseSync): QuotaJobHandlers {
  const forgetWindows = database.prepare("DELETE FROM quota_windows WHERE name = ?");
  const forgetPlaces = database.prepare("DELETE FROM places WHERE name = ?");
  return {
    "take-quota": createTake(database),
    "hold-places": createHold(database),
    "forget-quota": ({ name }) => Number(forgetWindows.run(name).changes) + Number(forgetPlaces.run(name).changes) > 0,
  };
}

function createTake(database: DatabaseSync): QuotaJobHandlers["take-quota"] {
  const find = database.prepare("SELECT used FROM quota_windows WHERE name = ? AND starts_at = ?");
  const write = database.prepare(
    `INSERT INTO quota_windows (name, starts_at, ends_at, used) VALUES (?, ?, ?, ?)
     ON CONFLICT (name, starts_at) DO UPDATE SET used = excluded.used`,
  );
  return ({ name, startsAt, endsAt, limit, want }) => {
    const before = Number(find.get(name, startsAt)?.["used"] ?? 0);
    const granted = Math.max(0, Math.min(want, limit - before));
    const used = before + granted;
    if (granted > 0) write.run(name, startsAt, endsAt, used);
    return { granted, used };
  };
}

function createHold(database: DatabaseSync): QuotaJobHandlers["hold-places"] {
  const sumOfOthers = database.prepare(
    "SELECT coalesce(sum(count), 0) AS taken FROM places WHERE name = ? AND holder <> ? AND until > ?",
  );
  const write = database.prepare(
    `INSERT INTO places (name, holder, count, until) VALUES (?, ?, ?, ?)
     ON CONFLICT (name, holder) DO UPDATE SET count = excluded.count, until = excluded.until`,
  );
  const leave = database.prepare("DELETE FROM places WHERE name = ? AND holder = ?");
  return ({ now, name, holder, count, limit, until }) => {
    const taken = Number(sumOfOthers.get(name, holder, now)?.["taken"]);
    const held = Math.max(0, Math.min(count, limit - taken));
    if (held > 0) write.run(name, holder, held, until);
    else leave.run(name, holder);
    return held;
  };
}
