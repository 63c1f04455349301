import type { Clock } from "../../kit/clock.ts";
import { runPiece, type SessionStore } from "../session-store.ts";
import type { SqliteRead } from "./sqlite-read.ts";
import { createSqliteSessionReader } from "./sqlite-session-reader.ts";
import type { WriteQueue } from "./write-queue.ts";

export function createSqliteSessionStore(read: SqliteRead, queue: WriteQueue, clock: Clock): SessionStore {
  const sessions = createSqliteSessionReader(read.database, clock);
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
