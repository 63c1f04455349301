import { randomBytes } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { expect, it } from "vitest";

import { openSqliteBackend } from "../../../src/store/sqlite/sqlite-backend.ts";
import { LONG_LOG_BYTES } from "../../../src/store/sqlite/sqlite-database.ts";
import { HOUR_MS, mustCommit, openingOf, turnOf, uniqueName } from "../../support/store-commits.ts";
import { createRecordedLog } from "../../support/store-log.ts";
import { createTempFolder } from "../../support/store-temp-folder.ts";

const MB = 1024 * 1024;

it("the SQLite log stays bounded under readers of whom one always has a snapshot open", async () => {
  const folder = await createTempFolder();
  const path = join(folder.path, "stategate.db");
  const backend = await openSqliteBackend({ path, clock: Date.now, log: createRecordedLog().log });
  const fields = { owner: "owner", createdAt: Date.now(), expiresAt: Date.now() + HOUR_MS, loadFrom: 0 };
  const write = (): Promise<void> => {
    const turn = { ...turnOf(0), sealed: randomBytes(8 * MB) };
    return mustCommit(backend.sessions, openingOf(uniqueName("session"), fields, { turn }));
  };
  await write();
  const stopReading = readWithoutPause(path);
  let longest = 0;
  for (let written = 0; written < 2.5 * LONG_LOG_BYTES; written += 8 * MB) {
    await write();
    longest = Math.max(longest, (await stat(`${path}-wal`)).size);
  }
  stopReading();
  await backend.close();
  await folder.remove();
  // One batch goes beyond the mark before it is noticed.
  expect(longest).toBeLessThan(LONG_LOG_BYTES + 32 * MB);
});

/** Two readers in turn: without help SQLite never finds a moment to start its log anew. */
function readWithoutPause(path: string): () => void {
  const readers = [new DatabaseSync(path), new DatabaseSync(path)] as const;
  const begin = (reader: DatabaseSync): void => {
    reader.exec("BEGIN");
    reader.prepare("SELECT count(*) FROM records").get();
  };
  let [current, next] = readers;
  begin(current);
  const timer = setInterval(() => {
    begin(next);
    current.exec("COMMIT");
    [current, next] = [next, current];
  }, 2);
  return () => {
    clearInterval(timer);
    for (const reader of readers) reader.close();
  };
}
