import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { createBatchWriter } from "../../../src/store/sqlite/batch-writer.ts";
import { openSqliteBackend } from "../../../src/store/sqlite/sqlite-backend.ts";
import { openReader, openWriter } from "../../../src/store/sqlite/sqlite-database.ts";
import type { CommitJob, WriteJob } from "../../../src/store/sqlite/write-job.ts";
import { createWriteQueue } from "../../../src/store/sqlite/write-queue.ts";
import { followUpOf, HOUR_MS, mustCommit, openingOf, turnOf, uniqueName } from "../../support/store-commits.ts";
import { createRecordedLog } from "../../support/store-log.ts";
import { createTempFolder, type TempFolder } from "../../support/store-temp-folder.ts";

const writerUrl = new URL("../../../src/store/sqlite/sqlite-writer.ts", import.meta.url);

let folder: TempFolder;
let path: string;
beforeEach(async () => {
  folder = await createTempFolder();
  path = join(folder.path, "stategate.db");
  openReader(path).close();
});
afterEach(() => folder.remove());

describe("the SQLite write queue", () => {
  it("writes the commits of one turn of the event loop in one transaction, and groups what comes meanwhile", async () => {
    const { queue, batches } = openQueue();
    await queue.run(commitJob());
    expect(batches()).toBe(1);
    await Promise.all(Array.from({ length: 100 }, () => queue.run(commitJob())));
    expect(batches()).toBe(2);
    const chains = Array.from({ length: 16 }, async () => {
      for (let commit = 0; commit < 20; commit++) await queue.run(commitJob());
    });
    await Promise.all(chains);
    expect(batches()).toBeLessThan(2 + 320 / 4);
    await queue.close();
  });

  it("answers the other jobs of a batch although the answer to one cannot be read", async () => {
    const { queue } = openQueue();
    const wrong = (): never => {
      throw new TypeError("wrong");
    };
    const [unread, other] = await Promise.allSettled([queue.run(commitJob(), wrong), queue.run(commitJob())]);
    expect(unread).toMatchObject({ status: "rejected", reason: { name: "TypeError", message: "wrong" } });
    expect(other).toEqual({ status: "fulfilled", value: true });
    await queue.close();
  });

  it("bounds a batch by its bytes", async () => {
    const { queue, batches } = openQueue();
    const sealed = Buffer.alloc(6 * 1024 * 1024);
    const jobs = Array.from({ length: 5 }, () => queue.run(commitJob({ turn: { ...turnOf(0), sealed } })));
    await Promise.all(jobs);
    expect(batches()).toBe(3);
    await queue.close();
  });

  it("fails what a dying writer held, starts another and goes on", async () => {
    const { log, events } = createRecordedLog();
    let started = 0;
    const startWorker = (): Worker => {
      started += 1;
      if (started > 1) return new Worker(writerUrl, { workerData: path });
      return new Worker('require("worker_threads").parentPort.on("message", () => { throw new Error("no") })', {
        eval: true,
      });
    };
    const queue = createWriteQueue({ startWorker, log });
    const held = [queue.run(commitJob()), queue.run(commitJob())];
    for (const outcome of await Promise.allSettled(held)) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "store_unavailable" } });
    }
    expect(await queue.run(commitJob())).toBe(true);
    expect(started).toBe(2);
    expect(events).toEqual(["sqlite_writer_died"]);
    await queue.close();
  });

  it("recovers when the file could not be opened for a while", async () => {
    const database = path;
    path = join(folder.path, "later", "stategate.db");
    const { queue } = openQueue();
    await expect(queue.run(commitJob())).rejects.toMatchObject({ code: "store_unavailable" });
    await mkdir(join(folder.path, "later"));
    await rename(database, path);
    expect(await queue.run(commitJob())).toBe(true);
    await queue.close();
  });

  it("closes although its writer is dead", async () => {
    const queue = createWriteQueue({
      startWorker: () => new Worker("process.exit(1)", { eval: true }),
      log: createRecordedLog().log,
    });
    await expect(queue.run(commitJob())).rejects.toMatchObject({ code: "store_unavailable" });
    await queue.close();
  });
});

describe("the SQLite store beside another writer", () => {
  it("reads while another connection holds the write lock; writes wait for it", async () => {
    const backend = await openSqliteBackend({ path, clock: Date.now, log: createRecordedLog().log });
    const fields = { owner: "o", createdAt: Date.now(), expiresAt: Date.now() + HOUR_MS, loadFrom: 0 };
    const base = openingOf(uniqueName("session"), fields);
    await mustCommit(backend.sessions, base);
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE; UPDATE sessions SET revision = 'other'");
    const write = backend.sessions.commit(followUpOf(base));
    expect((await backend.sessions.load(base.key))?.revision).toBe(base.revision);
    expect(await backend.sessions.list("o", { limit: 5, order: "desc" })).toHaveLength(1);
    other.exec("ROLLBACK");
    other.close();
    expect(await write).toEqual({ committed: true });
    await backend.close();
  });
});

describe("the SQLite sweeper", () => {
  it("deletes expired sessions with all their rows, a few at a time, and no live ones", () => {
    const database = openWriter(path);
    const writer = createBatchWriter(database);
    const slots = [["summary", Buffer.from("s")]] as const;
    const expired = Array.from({ length: 45 }, () => commitJob({ fields: { ...anyFields, expiresAt: 100 }, slots }));
    const live = Array.from({ length: 3 }, () => commitJob({ slots }));
    writer.write([...expired.slice(0, 20), ...live, ...expired.slice(20)]);
    writer.write([{ kind: "acquire-lease", now: 1, name: "lease", holder: "a", until: 50 }]);
    const count = (table: string): unknown => database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"];

    expect(writer.write([{ kind: "sweep", now: 100 }])).toEqual([true]);
    expect(count("sessions")).toBe(28);
    expect(writer.write([{ kind: "sweep", now: 100 }])).toEqual([true]);
    expect(writer.write([{ kind: "sweep", now: 100 }])).toEqual([false]);
    for (const table of ["sessions", "turns", "slots"]) expect(count(table)).toBe(3);
    expect(count("leases")).toBe(0);
    database.close();
  });

  it("clears expired records, ended windows, dead places and old notices, and nothing else", () => {
    const database = openWriter(path);
    const writer = createBatchWriter(database);
    const bytes = Buffer.from("bytes");
    const window = { startsAt: 0, limit: 9, want: 1 };
    const place = { now: 1, name: "q", count: 1, limit: 999 };
    const jobsUntil = (name: string, until: number): WriteJob[] => [
      { kind: "put-record", now: 1, name, bytes, expiresAt: until },
      { kind: "take-quota", name, ...window, endsAt: until - 60_000 },
      { kind: "hold-places", ...place, holder: name, until },
      { kind: "post-notice", notice: name, until },
    ];
    const expired = Array.from({ length: 600 }, (_, index) => jobsUntil(`expired-${index}`, 100_000)).flat();
    const forEver: WriteJob = { kind: "put-record", now: 1, name: "for ever", bytes, expiresAt: undefined };
    writer.write([...expired, ...jobsUntil("live", 100_001), forEver]);
    const select = (what: string): unknown[] => database.prepare(`SELECT ${what}`).all().map(Object.values).flat();

    expect(writer.write([{ kind: "sweep", now: 100_000 }])).toEqual([true]);
    expect(writer.write([{ kind: "sweep", now: 100_000 }])).toEqual([false]);
    expect(select("name FROM records ORDER BY name")).toEqual(["for ever", "live"]);
    expect(select("DISTINCT hex(bytes) FROM record_slots WHERE free = 1")).toEqual(["00".repeat(64)]);
    expect(select("name FROM quota_windows")).toEqual(["live"]);
    expect(select("holder FROM places")).toEqual(["live"]);
    expect(select("notice FROM notices")).toEqual(["live"]);
    database.close();
  });
});

const anyFields = { owner: "o", createdAt: 1, expiresAt: 1_000_000, loadFrom: 0 };

function commitJob(changes: Partial<CommitJob> = {}): CommitJob {
  const key = uniqueName("session");
  const head = Buffer.from("head");
  const revision = { expected: undefined, revision: "a.0" };
  return { kind: "commit", now: 1, key, ...revision, fields: anyFields, head, slots: [], turn: turnOf(0), ...changes };
}

function openQueue(): { queue: ReturnType<typeof createWriteQueue>; batches: () => number } {
  let answers = 0;
  const startWorker = (): Worker => {
    const worker = new Worker(writerUrl, { workerData: path });
    worker.on("message", () => (answers += 1));
    return worker;
  };
  return { queue: createWriteQueue({ startWorker, log: createRecordedLog().log }), batches: () => answers };
}
