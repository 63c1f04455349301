import { mkdir, open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";

import type { Clock } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { LeaseStore } from "../lease-store.ts";
import { missingContracts, missingRecordMethods, missingSessionMethods } from "../missing-contracts.ts";
import type { RecordStore } from "../record-store.ts";
import type { SessionStore } from "../session-store.ts";
import type { StoreBackend } from "../store-backend.ts";
import { openReader, sqliteUnavailable } from "./sqlite-database.ts";
import { bufferOf, createSqliteSessionReader } from "./sqlite-session-reader.ts";
import { createWriteQueue, type WriteQueue } from "./write-queue.ts";

const SWEEP_EVERY_MS = 60_000;

export interface SqliteBackendOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * One file, safe for several processes. Reads run on this thread, writes in groups on another; what is acknowledged is
 * synced to disk. Rejects with `store_unavailable` when the file cannot be opened, is corrupt or is not ours.
 */
export async function openSqliteBackend({ path, clock, log }: SqliteBackendOptions): Promise<StoreBackend> {
  const file = resolve(path);
  await createPrivateFile(file).catch((cause: unknown) => {
    throw sqliteUnavailable("cannot create its file", cause);
  });
  const reader = openReader(file);
  const startWorker = (): Worker =>
    new Worker(new URL("./sqlite-writer.ts", import.meta.url), { workerData: file, name: "sqlite-writer" });
  const queue = createWriteQueue({ startWorker, log });
  const read = createGuardedRead(reader);
  const stopSweeping = sweepNowAndThen(queue, clock, log);
  const ping = reader.prepare("SELECT count(*) FROM (SELECT 1 FROM keys LIMIT 1)");

  return {
    sessions: createSessionStore({ reader, queue, clock, read }),
    records: createRecordStore({ reader, queue, read }),
    ...missingContracts,
    leases: createLeaseStore(queue, clock),
    async ping() {
      read(() => ping.get());
    },
    async close() {
      stopSweeping();
      await queue.close();
      if (reader.isOpen) reader.close();
    },
  };
}

type Read = <T>(work: () => T) => T;

function createSessionStore(parts: {
  reader: DatabaseSync;
  queue: WriteQueue;
  clock: Clock;
  read: Read;
}): SessionStore {
  const { queue, clock, read } = parts;
  const sessions = createSqliteSessionReader(parts.reader, clock);
  return {
    async load(key, known) {
      return read(() => sessions.load(key, known));
    },
    async readTurns(key, from, to) {
      return read(() => sessions.readTurns(key, from, to));
    },
    async commit({ key, expected, revision, fields, head, turn, slots, known }) {
      const records = { slots: [...(slots ?? [])], turn };
      const job = { kind: "commit", now: clock(), key, expected, revision, fields, head, ...records } as const;
      if (await queue.run(job)) return { committed: true };
      return { committed: false, current: read(() => sessions.load(key, known)) };
    },
    remove: (key) => queue.run({ kind: "remove", now: clock(), key }),
    async list(owner, page) {
      return read(() => sessions.list(owner, page));
    },
    ...missingSessionMethods,
  };
}

function createRecordStore({
  reader,
  queue,
  read,
}: {
  reader: DatabaseSync;
  queue: WriteQueue;
  read: Read;
}): RecordStore {
  const select = reader.prepare("SELECT bytes FROM keys WHERE name = ?");
  const find = (name: string): Buffer | undefined => {
    const row = read(() => select.get(name));
    return row && bufferOf(row["bytes"]);
  };
  return {
    async read(name) {
      return find(name);
    },
    async putIfAbsent(name, bytes) {
      await queue.run({ kind: "put-key", name, bytes });
      return find(name) ?? Buffer.from(bytes);
    },
    ...missingRecordMethods,
  };
}

function createLeaseStore(queue: WriteQueue, clock: Clock): LeaseStore {
  return {
    acquire(name, holder, ttlMs) {
      const now = clock();
      return queue.run({ kind: "acquire-lease", now, name, holder, until: now + ttlMs });
    },
    async release(name, holder) {
      await queue.run({ kind: "release-lease", name, holder });
    },
  };
}

function createGuardedRead(reader: DatabaseSync): Read {
  return (work) => {
    try {
      return work();
    } catch (cause) {
      throw sqliteUnavailable(reader.isOpen ? "cannot read" : "is closed", cause);
    }
  };
}

function sweepNowAndThen(queue: WriteQueue, clock: Clock, log: Log): () => void {
  const sweep = async (): Promise<void> => {
    // Slice by slice, so that commits get their turn in between.
    while (await queue.run({ kind: "sweep", now: clock() }));
  };
  const timer = setInterval(() => {
    sweep().catch((error: unknown) => log.warn({ error: String(error) }, "sqlite_sweep_failed"));
  }, SWEEP_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

async function createPrivateFile(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(file, "a", 0o600);
  await handle.close();
}
