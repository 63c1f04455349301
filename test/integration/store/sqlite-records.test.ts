import { randomBytes, randomInt } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { openSqliteBackend } from "../../../src/store/sqlite/sqlite-backend.ts";
import { sqliteSchema } from "../../../src/store/sqlite/sqlite-schema.ts";
import type { StoreBackend } from "../../../src/store/store-backend.ts";
import { type RestingBytes, readFolder } from "../../support/resting-bytes.ts";
import { HOUR_MS, mustCommit, openingOf, uniqueName } from "../../support/store-commits.ts";
import { createRecordedLog } from "../../support/store-log.ts";
import { createTempFolder, type TempFolder } from "../../support/store-temp-folder.ts";

let folder: TempFolder;
let path: string;
beforeEach(async () => {
  folder = await createTempFolder();
  path = join(folder.path, "stategate.db");
});
afterEach(() => folder.remove());

describe("what a removed record leaves on disk", () => {
  it("nothing: neither in the database nor in its log", async () => {
    const backend = await open();
    const bytes = randomBytes(300);
    await backend.records.putIfAbsent("key", bytes);
    expect(countOf(await readFolder(folder.path), bytes)).toBeGreaterThan(0);
    expect(await backend.records.remove("key")).toBe(true);
    expect(countOf(await readFolder(folder.path), bytes)).toBe(0);
    await backend.close();
    expect(countOf(await readFolder(folder.path), bytes)).toBe(0);
  });

  it("nothing, among many that came, changed and went in any order", async () => {
    const backend = await open();
    const { records } = backend;
    const live = new Map<string, Buffer>();
    const gone: Buffer[] = [];
    for (let round = 0; round < 20; round++) {
      const names = Array.from({ length: 60 }, () => uniqueName("data-key"));
      await Promise.all(
        names.map((name) => {
          const bytes = randomBytes(randomInt(40, 1_500));
          live.set(name, bytes);
          return records.putIfAbsent(name, bytes);
        }),
      );
      const known = [...live].filter(() => randomInt(3) === 0);
      await Promise.all(
        known.map(async ([name, expected], index) => {
          gone.push(expected);
          if (index % 2 === 0) {
            live.delete(name);
            return records.remove(name);
          }
          const bytes = randomBytes(randomInt(2) === 0 ? expected.length : randomInt(40, 1_500));
          live.set(name, bytes);
          return records.replace(name, { expected, bytes });
        }),
      );
    }
    await records.putIfAbsent("last", Buffer.from("last"));
    await records.remove("last");
    const files = await readFolder(folder.path);
    const found = gone.filter((bytes) => countOf(files, bytes) > 0);
    expect({ removed: gone.length > 300, found: found.length }).toEqual({ removed: true, found: 0 });
    for (const [name, bytes] of live) expect(await records.read(name)).toEqual(bytes);
    await backend.close();
  });

  it("nothing of the very first ones, whose page was split when more came", async () => {
    const backend = await open();
    const put = async (name: string): Promise<Buffer> => backend.records.putIfAbsent(name, randomBytes(250));
    const first = await Promise.all(Array.from({ length: 12 }, (_, index) => put(`first-${index}`)));
    await Promise.all(Array.from({ length: 30 }, (_, index) => put(`later-${index}`)));
    await Promise.all(first.map((_, index) => backend.records.remove(`first-${index}`)));
    const files = await readFolder(folder.path);
    expect(first.filter((bytes) => countOf(files, bytes) > 0)).toEqual([]);
    await backend.close();
  });

  it("does not wait long for readers of another process, and makes up for them later", async () => {
    const backend = await open();
    const bytes = randomBytes(300);
    await backend.records.putIfAbsent("key", bytes);
    const other = new DatabaseSync(path);
    other.exec("BEGIN");
    other.prepare("SELECT count(*) FROM records").get();
    expect(await backend.records.remove("key")).toBe(true);
    other.exec("COMMIT");
    other.close();
    await backend.records.remove("any");
    expect(countOf(await readFolder(folder.path), bytes)).toBe(0);
    await backend.close();
  });
});

describe("a file of the first release", () => {
  it("is opened with all its keys and sessions, and its keys can be removed without a trace", async () => {
    const keys = new Map(Array.from({ length: 200 }, () => [uniqueName("data-key"), randomBytes(randomInt(1, 200))]));
    keys.set("nul\0byte", Buffer.from("nul\0byte"));
    writeFirstSchema(keys);
    const backend = await open();
    for (const [name, bytes] of keys) expect(await backend.records.read(name)).toEqual(bytes);
    const listed = await backend.records.list("data-key", { limit: 999 });
    expect(listed).toHaveLength(200);
    const removed = await Promise.all([...keys.keys()].map((name) => backend.records.remove(name)));
    expect(removed).toEqual(removed.map(() => true));
    const files = await readFolder(folder.path);
    const longKeys = [...keys.values()].filter(({ length }) => length > 8);
    expect(longKeys.filter((bytes) => countOf(files, bytes) > 0)).toEqual([]);
    expect((await backend.sessions.load("old"))?.revision).toBe("a.0");
    const fields = { owner: "o", createdAt: Date.now(), expiresAt: Date.now() + HOUR_MS, loadFrom: 0 };
    await mustCommit(backend.sessions, openingOf("new", fields));
    await backend.close();
  });
});

function open(): Promise<StoreBackend> {
  return openSqliteBackend({ path, clock: Date.now, log: createRecordedLog().log });
}

function writeFirstSchema(keys: ReadonlyMap<string, Buffer>): void {
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA application_id = ${0x53474154}; PRAGMA user_version = 1`);
  database.exec(sqliteSchema[0] ?? "");
  const put = database.prepare("INSERT INTO keys (name, bytes) VALUES (?, ?)");
  for (const [name, bytes] of keys) put.run(name, bytes);
  const columns = "(key, revision, owner, created_at, expires_at, load_from, head)";
  database.exec(`INSERT INTO sessions ${columns} VALUES ('old', 'a.0', 'o', 1, ${Date.now() + HOUR_MS}, 0, x'00')`);
  database.close();
}

/** In how many files the first or the last bytes are found. */
function countOf(files: RestingBytes, bytes: Buffer): number {
  const ends = [bytes.subarray(0, 24), bytes.subarray(-24)];
  return [...files.values()].filter((file) => ends.some((end) => file.includes(end))).length;
}
