import type { Clock } from "../../kit/clock.ts";
import type { NoticeStore } from "../notice-store.ts";
import type { PostgresClient } from "./postgres-client.ts";
import { nameAt, numberAt } from "./row-values.ts";

const KEPT_MS = 600_000;

/** Who posts holds the row of the last number until the notice can be seen: the order of numbers is that of sight. */
export function createPostgresNoticeStore({ run }: PostgresClient, clock: Clock): NoticeStore {
  return {
    async post(notice) {
      await run(statements.post, [Buffer.from(notice), clock() + KEPT_MS]);
    },
    async read(after) {
      if (after === undefined) {
        const [last = {}] = await run(statements.last);
        return { notices: [], cursor: String(numberAt(last, "number")) };
      }
      const rows = await run(statements.read, [after]);
      const last = rows.at(-1);
      return {
        notices: rows.map((row) => nameAt(row, "notice")),
        cursor: last ? String(numberAt(last, "number")) : after,
      };
    },
  };
}

const statements = {
  post: {
    name: "notice-post",
    text: `
      WITH next AS (UPDATE stategate.last_notice SET number = number + 1 RETURNING number)
      INSERT INTO stategate.notices (number, notice, until) SELECT number, $1, $2 FROM next`,
  },
  last: { name: "notice-last", text: "SELECT number FROM stategate.last_notice" },
  read: {
    name: "notice-read",
    text: "SELECT number, notice FROM stategate.notices WHERE number > $1 ORDER BY number",
  },
};
