import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { createJobRunner } from "../../../src/store/sqlite/job-runner.ts";
import { createSqliteAuditStore } from "../../../src/store/sqlite/sqlite-audit-store.ts";
import { openReader, openWriter } from "../../../src/store/sqlite/sqlite-database.ts";
import { createSqliteNoticeStore } from "../../../src/store/sqlite/sqlite-notice-store.ts";
import { createSqliteRead } from "../../../src/store/sqlite/sqlite-read.ts";
import { createSqliteRecordStore } from "../../../src/store/sqlite/sqlite-record-store.ts";
import { createSqliteSessionReader } from "../../../src/store/sqlite/sqlite-session-reader.ts";
import type { WriteQueue } from "../../../src/store/sqlite/write-queue.ts";
import { createRecordedLog } from "../../support/store-log.ts";
import { createTempFolder, type TempFolder } from "../../support/store-temp-folder.ts";

let folder: TempFolder;
let path: string;
beforeEach(async () => {
  folder = await createTempFolder();
  path = join(folder.path, "stategate.db");
});
afterEach(() => folder.remove());

describe("SQLite's plan for every statement", () => {
  it("of a reader goes by an index, and sorts nothing; the exceptions are known", () => {
    const database = openReader(path);
    const queue: WriteQueue = { run: () => Promise.reject(new Error("not used")), close: async () => {} };
    const statements = statementsOf(database, () => {
      const read = createSqliteRead(database, createRecordedLog().log);
      createSqliteSessionReader(database, Date.now);
      createSqliteRecordStore(read, queue, Date.now);
      createSqliteNoticeStore(read, queue, Date.now);
      createSqliteAuditStore(read, queue);
    });
    expect(statements.length).toBeGreaterThan(10);
    // One row for each table that counts, and what `audit verify` reads anyway.
    expect(tablesWalked(database, statements)).toEqual(["sqlite_sequence", "audit_rows"]);
    database.close();
  });

  it("of the writer goes by an index, but for the few leases and the notices of ten minutes", () => {
    openReader(path).close();
    const database = openWriter(path);
    const statements = statementsOf(database, () => createJobRunner(database));
    expect(statements.length).toBeGreaterThan(25);
    expect(tablesWalked(database, statements)).toEqual(["leases", "notices"]);
    database.close();
  });
});

function statementsOf(database: DatabaseSync, create: () => void): string[] {
  const statements: string[] = [];
  const prepare = database.prepare.bind(database);
  database.prepare = (sql, ...rest) => {
    statements.push(sql);
    return prepare(sql, ...rest);
  };
  create();
  database.prepare = prepare;
  return statements;
}

/** Tables of which a statement looks at every row, or sorts what it found; each once, in order. */
function tablesWalked(database: DatabaseSync, statements: readonly string[]): string[] {
  const walked = statements.filter((sql) => {
    const steps = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...Array.from(sql.matchAll(/\?/g), () => 1));
    return steps.some((step) => /^SCAN (?!\(subquery)|TEMP B-TREE/.test(String(step["detail"])));
  });
  return [...new Set(walked.map((sql) => /(?:FROM|UPDATE|INTO) (\w+)/.exec(sql)?.[1] ?? sql))];
}
