import type { Clock } from "../../kit/clock.ts";
import type { NoticeStore } from "../notice-store.ts";
import type { SqliteRead } from "./sqlite-read.ts";
import type { WriteQueue } from "./write-queue.ts";

const KEPT_MS = 600_000;

/** Numbers are given under the write lock and never again, so their order is that in which notices can be seen. */
export function createSqliteNoticeStore(read: SqliteRead, queue: WriteQueue, clock: Clock): NoticeStore {
  const selectAfter = read.database.prepare("SELECT id, notice FROM notices WHERE id > ? ORDER BY id");
  const selectLast = read.database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'notices'");
  return {
    async post(notice) {
      await queue.run({ kind: "post-notice", notice, until: clock() + KEPT_MS });
    },
    async read(after) {
      if (after === undefined) {
        const last = read(() => selectLast.get());
        return { notices: [], cursor: String(last?.["seq"] ?? 0) };
      }
      const rows = read(() => selectAfter.all(Number(after)));
      return {
        notices: rows.map((row) => String(row["notice"])),
        cursor: String(rows.at(-1)?.["id"] ?? after),
      };
    },
  };
}
