import { randomBytes } from "node:crypto";

import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";

import { openPostgresBackend } from "../../../src/store/postgres/postgres-backend.ts";
import { createPostgresClient, type PostgresClient } from "../../../src/store/postgres/postgres-client.ts";
import { sweepExpired } from "../../../src/store/postgres/sweep-expired.ts";
import type { SessionFields } from "../../../src/store/session-store.ts";
import type { StoreBackend } from "../../../src/store/store-backend.ts";
import { everyCall } from "../../conformance/store-backend.suite.ts";
import { startCountingProxy } from "../../support/counting-proxy.ts";
import {
  describeWithPostgres,
  type PostgresServer,
  queryOnce,
  startPostgresServer,
} from "../../support/postgres-server.ts";
import {
  followUpOf,
  HOUR_MS,
  mustCommit,
  openingOf,
  turnOf,
  uniqueName,
  writeTurns,
} from "../../support/store-commits.ts";
import { createRecordedLog } from "../../support/store-log.ts";

const MANY = 20_000;

describeWithPostgres("what the PostgreSQL store asks of its server", () => {
  let server: PostgresServer;
  let address: string;
  let backend: StoreBackend;
  const parts = { clock: Date.now, log: createRecordedLog().log, commandTimeoutMs: 10_000 };
  beforeAll(async () => {
    server = await startPostgresServer();
    address = await server.createDatabase();
    backend = await openPostgresBackend({ address, ...parts });
  });
  afterAll(async () => {
    await backend.close();
    await server.stop();
  });
  afterEach(() => vi.useRealTimers());
  const fields = (changes: Partial<SessionFields> = {}): SessionFields => {
    const now = Date.now();
    return { owner: uniqueName("owner"), createdAt: now, expiresAt: now + HOUR_MS, loadFrom: 0, ...changes };
  };
  const opening = (changes?: Partial<SessionFields>): ReturnType<typeof openingOf> =>
    openingOf(uniqueName("session"), fields(changes));

  it("a load is one round trip, a commit is one, and so is a conflict with the snapshot it answers with", async () => {
    const proxy = await startCountingProxy(Number(new URL(address).port));
    const through = new URL(address);
    through.port = String(proxy.port);
    const counted = await openPostgresBackend({ address: through.href, ...parts });
    const spent = async (call: () => Promise<unknown>): Promise<number> => {
      const before = proxy.roundTrips();
      await call();
      return proxy.roundTrips() - before;
    };
    const slots = new Map([["summary", randomBytes(20_000)]]);
    const commits = await writeTurns(counted.sessions, { ...opening(), slots }, 50);
    const last = commits.at(-1) ?? commits[0];
    const known = { revision: last.revision, sequence: 49 };
    const large = followUpOf(last, { turn: { ...turnOf(50), sealed: randomBytes(300_000) }, slots });
    const calls = [
      () => counted.sessions.load(last.key),
      () => counted.sessions.load(last.key, known),
      () => counted.sessions.readTurns(last.key, 3, 30),
      () => counted.sessions.commit(large),
      () => counted.sessions.commit(large),
      () => counted.sessions.commit(followUpOf(last)),
      () => counted.sessions.list(last.fields.owner, { limit: 9, order: "desc" }),
      () => counted.records.putIfAbsent("name", Buffer.from("bytes")),
      () => counted.quotas.take("name", { startsAt: 0, endsAt: 9, limit: 9 }, 1),
      () => counted.notices.post("notice"),
    ];
    for (const call of calls) expect(await spent(call)).toBe(1);
    await counted.close();
    await proxy.close();
  });

  it("nothing reads a table from end to end, however large it is", async () => {
    await fillTables(address);
    const before = await scansByTable(address);
    const watched = await openPostgresBackend({ address, ...parts });
    const base = opening({ owner: "owner 7" });
    await writeTurns(watched.sessions, base, 3);
    for (const call of everyCall(watched, Date.now())) await call();
    await watched.sessions.list("owner 7", { limit: 20, order: "asc", after: { createdAt: 5, key: "x" } });
    await watched.sessions.list("owner 7", { limit: 20, order: "desc" });
    await watched.sessions.remove(base.key);
    await watched.records.list("record 19", { limit: 20, after: "record 1900" });
    await watched.audit.latest({ limit: 20, before: { at: 7_000, chain: "f", sequence: 3 } });
    await watched.close();
    const client = createPostgresClient({ address, ...parts });
    await sweepExpired(client, 0);
    await client.close();
    expect(await scansByTable(address)).toEqual(before);
  });

  it("a page of ten thousand sessions is read without sorting them", async () => {
    for (const direction of ["", "DESC"]) {
      const plan = await queryOnce(
        address,
        `EXPLAIN SELECT * FROM stategate.sessions
         WHERE owner = '\\x6f776e65722037' AND expires_at > 5 AND (created_at, key) ${direction ? "<" : ">"} (9000, '\\x00')
         ORDER BY created_at ${direction}, key ${direction} LIMIT 20`,
      );
      const text = plan.map((row) => String(row["QUERY PLAN"])).join("\n");
      expect(text).toContain("sessions_by_owner");
      expect(text).not.toContain("Sort");
    }
  });

  it("most turns of a session leave every index of its row as it is", async () => {
    const commits = await writeTurns(backend.sessions, opening(), 40);
    expect(commits).toHaveLength(40);
    const [row] = await queryOnce(
      address,
      `SELECT pg_stat_force_next_flush(), n_tup_hot_upd AS hot, n_tup_upd AS updated
       FROM pg_stat_user_tables WHERE relname = 'sessions'`,
    );
    expect(Number(row?.["hot"])).toBeGreaterThan(0.9 * Number(row?.["updated"]));
  });

  it("the sweeper deletes what has expired, with all that belongs to it, and nothing else", async () => {
    const own = await openOwn();
    const now = Date.now();
    const past = now - 3 * HOUR_MS;
    const ending = Array.from({ length: 230 }, () => opening({ createdAt: past, expiresAt: now - 2 * HOUR_MS }));
    for (const commit of ending)
      await mustCommit(own.past.sessions, { ...commit, slots: new Map([["a", Buffer.from("a")]]) });
    const staying = opening();
    await mustCommit(own.past.sessions, staying);
    await own.past.records.putIfAbsent("ends", Buffer.from("bytes"), now - HOUR_MS);
    await own.past.records.putIfAbsent("stays", Buffer.from("bytes"));
    await own.past.quotas.take("quota", { startsAt: past, endsAt: now - HOUR_MS, limit: 9 }, 1);
    await own.past.quotas.hold("quota", "holder", { count: 1, limit: 9, ttlMs: HOUR_MS });
    await own.past.notices.post("old");
    await own.past.leases.acquire("held", "holder", HOUR_MS);
    await sweepExpired(own.client, now);
    // One whose clock is far ahead ends no lease: those go by the server's.
    await sweepExpired(own.client, now + 30 * 60_000);
    const [left] = await queryOnce(
      own.address,
      `SELECT (SELECT count(*)::int FROM stategate.sessions) AS sessions, (SELECT count(*)::int FROM stategate.turns) AS turns,
         (SELECT count(*)::int FROM stategate.slots) AS slots, (SELECT count(*)::int FROM stategate.records) AS records,
         (SELECT count(*)::int FROM stategate.quota_windows) AS windows, (SELECT count(*)::int FROM stategate.places) AS places,
         (SELECT count(*)::int FROM stategate.notices) AS notices, (SELECT count(*)::int FROM stategate.leases) AS leases`,
    );
    expect(left).toEqual({ sessions: 1, turns: 1, slots: 0, records: 1, windows: 0, places: 0, notices: 0, leases: 1 });
    expect(await own.past.sessions.load(staying.key)).toBeDefined();
    await own.close();
  });

  it("a gateway that runs sweeps once a minute", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const own = await server.createDatabase();
    const running = await openPostgresBackend({ address: own, ...parts });
    await running.records.putIfAbsent("ended", Buffer.from("bytes"), Date.now() - HOUR_MS);
    const records = (): Promise<unknown[]> => queryOnce(own, "SELECT FROM stategate.records");
    vi.advanceTimersByTime(59_999);
    expect(await records()).toHaveLength(1);
    vi.advanceTimersByTime(1);
    await vi.waitFor(async () => expect(await records()).toHaveLength(0), 5_000);
    await running.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  /** A database of its own, written by a gateway three hours ago. */
  async function openOwn(): Promise<{
    past: StoreBackend;
    client: PostgresClient;
    address: string;
    close(): Promise<void>;
  }> {
    const own = await server.createDatabase();
    const past = await openPostgresBackend({ address: own, ...parts, clock: () => Date.now() - 3 * HOUR_MS });
    const client = createPostgresClient({ address: own, ...parts });
    return {
      past,
      client,
      address: own,
      close: () => Promise.all([past.close(), client.close()]).then(() => undefined),
    };
  }
});

/** Enough rows that the planner would see what an index spares. */
async function fillTables(address: string): Promise<void> {
  await queryOnce(
    address,
    `INSERT INTO stategate.sessions (key, revision, owner, created_at, expires_at, load_from, head)
       SELECT convert_to('filler ' || n, 'UTF8'), 'a.1', convert_to('owner ' || CASE WHEN n % 2 = 0 THEN 7 ELSE n END, 'UTF8'),
         n, 9e15::bigint, 0, 'head' FROM generate_series(1, ${MANY}) n;
     INSERT INTO stategate.turns SELECT id, n, 'id', 'sealed' FROM stategate.sessions, generate_series(0, 1) n
       WHERE load_from = 0 AND revision = 'a.1';
     INSERT INTO stategate.slots SELECT id, 'name', 'sealed' FROM stategate.sessions WHERE revision = 'a.1';
     INSERT INTO stategate.records SELECT convert_to('record ' || n, 'UTF8'), 'bytes', n + 100 FROM generate_series(1, ${MANY}) n;
     INSERT INTO stategate.leases SELECT convert_to('lease ' || n, 'UTF8'), 'holder', n + 100 FROM generate_series(1, ${MANY}) n;
     INSERT INTO stategate.quota_windows SELECT convert_to('quota ' || n, 'UTF8'), 0, n + 100, 1, 1 FROM generate_series(1, ${MANY}) n;
     INSERT INTO stategate.places SELECT convert_to('quota ' || n, 'UTF8'), 'holder', 1, n + 100 FROM generate_series(1, ${MANY}) n;
     INSERT INTO stategate.notices SELECT n, 'notice', n + 100 FROM generate_series(-${MANY}, -1) n;
     INSERT INTO stategate.audit_rows SELECT 'chain ' || n % 9, n, n, 'entry', NULL FROM generate_series(1, ${MANY}) n;
     ANALYZE`,
  );
}

/** How often each table was read from end to end so far; the one-row counter of notices aside. */
async function scansByTable(address: string): Promise<unknown> {
  // A connection that ends hands in what it counted.
  const ours = "SELECT FROM pg_stat_activity WHERE application_name = 'stategate' AND datname = current_database()";
  await expect.poll(async () => (await queryOnce(address, ours)).length).toBe(1);
  const rows = await queryOnce(
    address,
    `SELECT relname, seq_scan FROM pg_stat_user_tables
     WHERE schemaname = 'stategate' AND relname NOT IN ('last_notice', 'migrations') ORDER BY relname`,
  );
  return rows.map((row) => [row["relname"], row["seq_scan"]]);
}
