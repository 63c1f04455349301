import type { Clock } from "../../kit/clock.ts";
import { type CommitOutcome, committed, runPiece, type SessionCommit, type SessionStore } from "../session-store.ts";
import type { SqliteRead } from "./sqlite-read.ts";
import { createSqliteSessionReader } from "./sqlite-session-reader.ts";
import type { CommitJob } from "./write-job.ts";
import type { WriteQueue } from "./write-queue.ts";

export function createSqliteSessionStore(read: SqliteRead, queue: WriteQueue, clock: Clock): SessionStore {
  const sessions = createSqliteSessionReader(read.database, clock);
  return {
    // Every turn loads and commits: one promise each, and no frame.
    load(key, known) {
      try {
        return Promise.resolve(read(() => sessions.load(key, known)));
      } catch (cause) {
        const error = cause as Error;
        return Promise.reject(error);
      }
    },
    async readTurns(key, from, to) {
      return read(() => sessions.readTurns(key, from, to));
    },
    commit: (commit) =>
      queue.run<CommitJob, CommitOutcome>(jobOf(commit, clock()), (isWritten) => {
        if (isWritten) return committed;
        return { committed: false, current: read(() => sessions.load(commit.key, commit.known)) };
      }),
    remove: (key) => queue.run({ kind: "remove", now: clock(), key }),
    async list(owner, page) {
      return read(() => sessions.list(owner, page));
    },
    async count(owner, atMost) {
      return read(() => sessions.count(owner, atMost));
    },
    async removeOwner(owner, step = runPiece) {
      const now = clock();
      let live = 0;
      for (;;) {
        const removed = await step(() => queue.run({ kind: "remove-owner", now, owner }));
        live += removed.live;
        if (removed.isDone) return live;
      }
    },
    async scan(after) {
      return read(() => sessions.scan(after));
    },
  };
}

function jobOf({ key, expected, revision, fields, head, turn, slots }: SessionCommit, now: number): CommitJob {
  return { kind: "commit", now, key, expected, revision, fields, head, slots: slots ? [...slots] : [], turn };
}
