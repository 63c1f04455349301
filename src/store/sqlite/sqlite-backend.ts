import { mkdir, open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Worker } from "node:worker_threads";

import type { Clock } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { LeaseStore } from "../lease-store.ts";
import type { StoreBackend } from "../store-backend.ts";
import { createSqliteAuditStore } from "./sqlite-audit-store.ts";
import { openReader, sqliteUnavailable } from "./sqlite-database.ts";
import { createSqliteNoticeStore } from "./sqlite-notice-store.ts";
import { createSqliteQuotaStore } from "./sqlite-quota-store.ts";
import { createSqliteRead } from "./sqlite-read.ts";
import { createSqliteRecordStore } from "./sqlite-record-store.ts";
import { createSqliteSessionStore } from "./sqlite-session-store.ts";
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
    throw sqliteUnavailable("cannot open its file for writing", cause);
  });
  const reader = openReader(file);
  const startWorker = (): Worker =>
    new Worker(new URL("./sqlite-writer.ts", import.meta.url), { workerData: file, name: "sqlite-writer" });
  const queue = createWriteQueue({ startWorker, log });
  const read = createSqliteRead(reader, log);
  const stopSweeping = sweepNowAndThen(queue, clock);
  const ping = reader.prepare("SELECT count(*) FROM (SELECT 1 FROM records LIMIT 1)");

  return {
    sessions: createSqliteSessionStore(read, queue, clock),
    records: createSqliteRecordStore(read, queue, clock),
    leases: createLeaseStore(queue, clock),
    quotas: createSqliteQuotaStore(queue, clock),
    notices: createSqliteNoticeStore(read, queue, clock),
    audit: createSqliteAuditStore(read, queue),
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

function sweepNowAndThen(queue: WriteQueue, clock: Clock): () => void {
  const sweep = async (): Promise<void> => {
    // Slice by slice, so that commits get their turn in between.
    while (await queue.run({ kind: "sweep", now: clock() }));
  };
  const timer = setInterval(() => {
    // The queue says when nothing can be written, and the next sweep makes up for this one.
    sweep().catch(() => undefined);
  }, SWEEP_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

async function createPrivateFile(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(file, "a", 0o600);
  await handle.close();
}
