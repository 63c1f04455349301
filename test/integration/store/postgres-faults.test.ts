import { spawnSync } from "node:child_process";
import { chmod, chown, copyFile, stat } from "node:fs/promises";
import { join } from "node:path";

import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";

import { openPostgresBackend } from "../../../src/store/postgres/postgres-backend.ts";
import type { SessionFields } from "../../../src/store/session-store.ts";
import type { StoreBackend } from "../../../src/store/store-backend.ts";
import { withBreaker } from "../../../src/store/with-breaker.ts";
import { everyCall } from "../../conformance/store-backend.suite.ts";
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
import { createHandClock, type HandClock } from "../../support/store-hand-clock.ts";
import { createRecordedLog } from "../../support/store-log.ts";
import { createTempFolder, type TempFolder } from "../../support/store-temp-folder.ts";

const UNAVAILABLE = { name: "GatewayError", code: "store_unavailable" };

describeWithPostgres("the PostgreSQL store when its server misbehaves", () => {
  let server: PostgresServer;
  let address: string;
  let clock: HandClock;
  let backend: StoreBackend;
  let recorded: ReturnType<typeof createRecordedLog>;
  beforeAll(async () => {
    server = await startPostgresServer();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    address = await server.createDatabase();
    clock = createHandClock();
    recorded = createRecordedLog();
    backend = await open();
  });
  afterEach(async () => {
    server.thaw();
    await backend.close();
  });

  const open = (commandTimeoutMs = 1_000, max = 4): Promise<StoreBackend> =>
    openPostgresBackend({ address: `${address}?max=${max}`, clock: clock.now, log: recorded.log, commandTimeoutMs });
  const fields = (): SessionFields => ({
    owner: uniqueName("owner"),
    createdAt: clock.now(),
    expiresAt: clock.now() + HOUR_MS,
    loadFrom: 0,
  });
  const opening = (): ReturnType<typeof openingOf> => openingOf(uniqueName("session"), fields());
  const alterDatabase = async (change: string): Promise<void> => {
    const name = new URL(address).pathname.slice(1);
    await queryOnce(new URL("/postgres", address).href, `ALTER DATABASE ${name} ${change}`);
  };
  const untilUp = (): Promise<void> =>
    expect.poll(() => backend.ping().then(() => "up", String), { timeout: 10_000 }).toBe("up");

  it("a frozen server rejects every call, and serves again when it thaws", async () => {
    const commit = opening();
    await mustCommit(backend.sessions, commit);
    await server.freeze();
    const outcomes = await Promise.allSettled(everyCall(backend, clock.now()).map((call) => call()));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: "rejected", reason: UNAVAILABLE });
    server.thaw();
    await untilUp();
    expect((await backend.sessions.load(commit.key))?.revision).toBe(commit.revision);
    expect(recorded.events).toEqual(["postgres_disconnected", "postgres_connected"]);
  });

  it("a commit that timed out is written once, and its repetition is acknowledged", async () => {
    const base = opening();
    await mustCommit(backend.sessions, base);
    const next = followUpOf(base, { known: { revision: base.revision, sequence: 0 } });
    await server.freeze();
    await expect(backend.sessions.commit(next)).rejects.toMatchObject(UNAVAILABLE);
    server.thaw();
    await untilUp();
    expect(await backend.sessions.commit(next)).toEqual({ committed: true });
    expect((await backend.sessions.load(base.key))?.turns).toEqual([base.turn, next.turn]);
  });

  it("a frozen server opens the circuit, a thawed one closes it", async () => {
    const outcomes: string[] = [];
    const guarded = withBreaker(backend, {
      timeoutMs: 40,
      clock: clock.now,
      log: recorded.log,
      onCall: (_operation, outcome) => outcomes.push(outcome),
    });
    await server.freeze();
    for (let call = 0; call < 8; call++) {
      await expect(guarded.sessions.load("any")).rejects.toMatchObject(UNAVAILABLE);
    }
    expect(outcomes).toEqual([...Array(5).fill("timeout"), ...Array(3).fill("refused")]);
    server.thaw();
    await expect.poll(() => guarded.ping().then(() => "up", String), { timeout: 10_000 }).toBe("up");
    clock.advance(1_000);
    expect(await guarded.sessions.load("any")).toBeUndefined();
  });

  it("a server stopped at once rejects every call, and what it acknowledged is there when it is back", async () => {
    const commits = await writeTurns(backend.sessions, opening(), 5);
    await backend.records.putIfAbsent("root", Buffer.from("secret"));
    const rivals = Array.from({ length: 30 }, () => opening());
    const inFlight = Promise.allSettled(rivals.map((commit) => backend.sessions.commit(commit)));
    await server.kill();
    const outcomes = await inFlight;
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject(UNAVAILABLE);
    }
    for (const call of everyCall(backend, clock.now())) await expect(call()).rejects.toMatchObject(UNAVAILABLE);
    await server.restart();
    await untilUp();
    expect((await backend.sessions.load(commits[0].key))?.turns).toEqual(commits.map(({ turn }) => turn));
    expect((await backend.records.read("root"))?.toString()).toBe("secret");
    for (const [index, { key, turn }] of rivals.entries()) {
      if (outcomes[index]?.status === "fulfilled") expect((await backend.sessions.load(key))?.turns).toEqual([turn]);
    }
    expect(recorded.events).toEqual(["postgres_disconnected", "postgres_connected"]);
  });

  it("a connection that an operator ends harms the call on it alone", async () => {
    const patient = await open(10_000);
    const base = opening();
    await mustCommit(patient.sessions, base);
    const unlock = await lockSessions(address);
    const waiting = expect(patient.sessions.commit(followUpOf(base))).rejects.toMatchObject(UNAVAILABLE);
    const end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    await expect.poll(async () => (await queryOnce(address, end)).length).toBe(1);
    await waiting;
    await unlock();
    await mustCommit(patient.sessions, followUpOf(base));
    await patient.close();
  });

  it("idle connections that an operator ends are replaced", async () => {
    await Promise.all(Array.from({ length: 4 }, () => mustCommit(backend.sessions, opening())));
    await queryOnce(
      address,
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'stategate'",
    );
    await expect.poll(() => recorded.events).toContain("postgres_disconnected");
    await untilUp();
    await mustCommit(backend.sessions, opening());
  });

  it("a call that waits for a lock longer than it may gives up, on the server too", async () => {
    const base = opening();
    await mustCommit(backend.sessions, base);
    const unlock = await lockSessions(address);
    await expect(backend.sessions.commit(followUpOf(base))).rejects.toMatchObject(UNAVAILABLE);
    const waiters = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    await expect.poll(async () => (await queryOnce(address, waiters)).length).toBe(0);
    await unlock();
    expect((await backend.sessions.load(base.key))?.revision).toBe(base.revision);
  });

  it("more callers than connections wait their turn", async () => {
    const commits = Array.from({ length: 100 }, () => opening());
    const patient = await open(10_000, 2);
    await Promise.all(commits.map((commit) => mustCommit(patient.sessions, commit)));
    const loaded = await Promise.all(commits.map(({ key }) => patient.sessions.load(key)));
    expect(loaded.map((session) => session?.revision)).toEqual(commits.map(({ revision }) => revision));
    await patient.close();
  });

  it("a server that only reads since it was replaced is dialled anew", async () => {
    await alterDatabase("SET default_transaction_read_only = on");
    const reading = await open();
    await expect(reading.sessions.commit(opening())).rejects.toMatchObject(UNAVAILABLE);
    await alterDatabase("RESET default_transaction_read_only");
    await mustCommit(reading.sessions, opening());
    await reading.close();
  });

  it("what two replicas write to one session in a race is one row of turns", async () => {
    const other = await open(10_000);
    const patient = await open(10_000);
    const base = opening();
    await mustCommit(patient.sessions, base);
    const append = async (store: StoreBackend, turns: number): Promise<void> => {
      for (let written = 0; written < turns;) {
        const session = await store.sessions.load(base.key);
        const number = Number(session?.revision.split(".")[1]) + 1;
        const outcome = await store.sessions.commit({
          ...followUpOf(base, { turn: turnOf(session?.turns.length ?? 0) }),
          expected: session?.revision,
          revision: `${base.revision.split(".")[0]}.${number}`,
        });
        if (outcome.committed) written += 1;
      }
    };
    await Promise.all([patient, other, patient, other].map((store) => append(store, 25)));
    const session = await patient.sessions.load(base.key);
    expect(session?.turns.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 101 }, (_, index) => index));
    await Promise.all([patient.close(), other.close()]);
  });

  it("says when commits may be lost", async () => {
    await alterDatabase("SET synchronous_commit = off");
    await (await open()).close();
    expect(recorded.events).toEqual(["postgres_commits_may_be_lost"]);
  });

  it("a server that cannot be reached, or is frozen, fails the opening; closing never waits for it", async () => {
    await server.freeze();
    await expect(open()).rejects.toMatchObject(UNAVAILABLE);
    await backend.close();
    await server.kill();
    await expect(open()).rejects.toMatchObject({ ...UNAVAILABLE, message: expect.stringContaining("ECONNREFUSED") });
    await server.restart();
  });
});

/** Holds every session's row until the returned function is called. */
async function lockSessions(address: string): Promise<() => Promise<void>> {
  const client = new pg.Client(address);
  await client.connect();
  await client.query("BEGIN");
  await client.query("SELECT FROM stategate.sessions FOR UPDATE");
  return () => client.end();
}

describeWithPostgres("a PostgreSQL server with a certificate", () => {
  let server: PostgresServer;
  let folder: TempFolder;
  beforeAll(async () => {
    folder = await createTempFolder();
    const [key, certificate] = [join(folder.path, "server.key"), join(folder.path, "server.crt")];
    const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
    const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...subject];
    const made = spawnSync("openssl", [...request, "-keyout", key, "-out", certificate], { encoding: "utf8" });
    if (made.status !== 0) throw new Error(made.stderr);
    server = await startPostgresServer({
      settings: ["ssl = on"],
      async prepare(cluster) {
        const { uid, gid } = await stat(cluster);
        for (const name of ["server.key", "server.crt"]) {
          await copyFile(join(folder.path, name), join(cluster, name));
          await chown(join(cluster, name), uid, gid);
          await chmod(join(cluster, name), 0o600);
        }
      },
    });
  });
  afterAll(async () => {
    await server.stop();
    await folder.remove();
  });
  const parts = { clock: Date.now, log: createRecordedLog().log, commandTimeoutMs: 2_000 };

  it.each(["require", "verify-full"])(
    "is checked with sslmode=%s, and refused when nobody vouches for it",
    async (mode) => {
      const address = `${await server.createDatabase()}?sslmode=${mode}`;
      await expect(openPostgresBackend({ address, ...parts })).rejects.toMatchObject({
        ...UNAVAILABLE,
        message: expect.stringContaining("certificate"),
      });
      const trusting = `${address}&sslrootcert=${join(folder.path, "server.crt")}`;
      const backend = await openPostgresBackend({ address: trusting, ...parts });
      await backend.ping();
      const encrypted = await queryOnce(
        address.replace(/\?.*/, ""),
        `SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
       WHERE application_name = 'stategate' AND datname = current_database()`,
      );
      expect(encrypted).toEqual([{ ssl: true }]);
      await backend.close();
    },
  );
});
