import { statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";

import { BUSY_TIMEOUT_MS, LONG_LOG_BYTES } from "./sqlite-database.ts";

/** The write-ahead log beside the database. */
export interface LogFile {
  /** Folds the log into the file and empties it, unless a reader takes its time. Never throws. */
  fold(): void;
  /**
   * The same once the log is long, and again each time it has grown by as much: readers whose snapshots overlap keep
   * SQLite from starting it anew by itself. Costs a look at the file's size.
   */
  foldWhenLong(): void;
}

export function createLogFile(database: DatabaseSync, path: string): LogFile {
  let foldAtBytes = LONG_LOG_BYTES;
  const size = (): number => statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  const fold = (): void => {
    try {
      // Commits wait meanwhile, so a reader that takes its time is not waited for.
      database.exec(
        `PRAGMA busy_timeout = 100; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`,
      );
    } catch {
      // What is acknowledged is on disk all the same: the next sweep tries again, and the next start replays the log.
    }
  };
  return {
    fold,
    foldWhenLong() {
      const before = size();
      if (before < foldAtBytes) return;
      fold();
      foldAtBytes = size() + LONG_LOG_BYTES;
    },
  };
}
