import type { PostgresClient, Statement } from "./postgres-client.ts";
import { serverTimeMs } from "./server-time.ts";

const HOUR_MS = 3_600_000;
const SESSIONS_AT_ONCE = 100;
const ROWS_AT_ONCE = 500;
/** Another replica's clock may be behind this one's. */
const GRACE_MS = 60_000;

/** Deletes what has expired, a little at a time. Several replicas may sweep at once: none waits for another's rows. */
export async function sweepExpired(client: PostgresClient, now: number): Promise<void> {
  const before = now - GRACE_MS;
  await repeat(client, sweeps.sessions, Math.floor(before / HOUR_MS));
  for (const sweep of [sweeps.records, sweeps.leases, sweeps.windows, sweeps.places, sweeps.notices]) {
    await repeat(client, sweep, before);
  }
}

interface Sweep extends Statement {
  readonly atOnce: number;
}

async function repeat(client: PostgresClient, sweep: Sweep, before: number): Promise<void> {
  for (;;) {
    const [row] = await client.run(sweep, [before]);
    if (Number(row?.["swept"]) < sweep.atOnce) return;
  }
}

function sweepOf(table: string, ends: string, { atOnce = ROWS_AT_ONCE, before = "$1" } = {}): Sweep {
  return {
    name: `sweep-${table}`,
    atOnce,
    // By their place in the table, which no one can change while they are locked.
    text: `
      WITH swept AS (
        DELETE FROM stategate.${table} WHERE ctid = ANY (ARRAY(
          SELECT ctid FROM stategate.${table} WHERE ${ends} <= ${before} ORDER BY ${ends} LIMIT ${atOnce}
          FOR UPDATE SKIP LOCKED
        )) RETURNING 1
      )
      SELECT count(*) AS swept FROM swept`,
  };
}

const sweeps = {
  sessions: sweepOf("sessions", "sweep_hour", { atOnce: SESSIONS_AT_ONCE }),
  records: sweepOf("records", "expires_at"),
  leases: sweepOf("leases", "until", { before: `least($1, ${serverTimeMs})` }),
  windows: sweepOf("quota_windows", "ends_at"),
  places: sweepOf("places", "until"),
  notices: sweepOf("notices", "until"),
};
