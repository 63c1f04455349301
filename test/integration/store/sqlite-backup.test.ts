import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { SessionCommit } from "../../../src/store/session-store.ts";
import { backUpSqlite } from "../../../src/store/sqlite/back-up-sqlite.ts";
import { openSqliteBackend } from "../../../src/store/sqlite/sqlite-backend.ts";
import type { StoreBackend } from "../../../src/store/store-backend.ts";
import { runOperatorCommand } from "../../support/run-operator-command.ts";
import { HOUR_MS, mustCommit, openingOf, turnOf, uniqueName } from "../../support/store-commits.ts";
import { createRecordedLog } from "../../support/store-log.ts";
import { startStoreProcess, type StoreProcess } from "../../support/store-sqlite-process.ts";
import { createTempFolder, type TempFolder } from "../../support/store-temp-folder.ts";

const TURNS_BEFORE = 400;

let folder: TempFolder;
let copy: string;
let writing: StoreProcess | undefined;
beforeEach(async () => {
  folder = await createTempFolder();
  copy = join(folder.path, "copy.db");
});
afterEach(async () => {
  await writing?.kill();
  writing = undefined;
  await folder.remove();
});

const backUp = (...args: string[]) => runOperatorCommand(["store", "backup", ...args], { folder: folder.path });

describe("stategate store backup", () => {
  it("beside a process that writes without pause: holds all that was acknowledged before, as one moment", async () => {
    // Much more than is copied at once, so that it is written to in the middle of the copy.
    await writeSessions(300);
    writing = startStoreProcess([join(folder.path, "stategate.db"), "streams"]);
    const acknowledged: string[] = [];
    writing.lines.on("line", (line) => acknowledged.push(line));
    while (acknowledged.length < TURNS_BEFORE) await once(writing.lines, "line");
    const before = acknowledged.slice();
    const { code, stdout } = await backUp(copy);
    const after = acknowledged.length;
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/copy\.db: \d+\.\d MB, checked\n/) });
    expect(after).toBeGreaterThan(before.length);
    await once(writing.lines, "line");
    await writing.kill();

    const backend = await open();
    const lost: string[] = [];
    for (const line of before) {
      const [key = "", sequence, id] = line.split(" ");
      const [turn] = await backend.sessions.readTurns(key, Number(sequence), Number(sequence) + 1);
      if (turn?.id !== id) lost.push(line);
    }
    const keys = new Set(before.map((line) => line.split(" ")[0] ?? ""));
    for (const key of keys) {
      const session = await backend.sessions.load(key);
      // Its head is of the same moment as its turns, and none is missing.
      expect(session?.turns.map(({ sequence }) => sequence)).toEqual([...(session?.turns.keys() ?? [])]);
      expect(session?.revision).toMatch(new RegExp(`\\.${Number(session?.turns.length) - 1}$`));
    }
    await backend.close();
    expect(lost).toEqual([]);
  });

  it("does not start anew when it is written to meanwhile", async () => {
    await writeSessions(300);
    const path = join(folder.path, "stategate.db");
    writing = startStoreProcess([path, "streams"]);
    await once(writing.lines, "line");
    const progress: number[] = [];
    await backUpSqlite({ path, file: copy, onProgress: (done) => void progress.push(done) });
    expect(progress.length).toBeGreaterThan(5);
    expect(progress).toEqual(progress.toSorted((left, right) => left - right));
  });

  it("makes one file, for its owner alone, and says which keys belong to it", async () => {
    await writeSessions(1);
    const { stdout } = await backUp(copy);
    expect(stdout).toMatch(/keep it together with the master keys in .*development\.key: without them/);
    expect((await readdir(folder.path)).toSorted()).toEqual(["copy.db", "stategate.db"]);
    expect((await stat(copy)).mode & 0o777).toBe(0o600);
  });

  it("leaves a file alone that exists, and makes none where it fails", async () => {
    await writeSessions(1);
    await writeFile(copy, "precious");
    expect(await backUp(copy)).toMatchObject({ code: 1, stderr: expect.stringMatching(/copy\.db exists already/) });
    expect(await readFile(copy, "utf8")).toBe("precious");
    const nowhere = await backUp(join(folder.path, "no-such-folder", "copy.db"));
    expect(nowhere).toMatchObject({ code: 1, stderr: expect.stringMatching(/cannot be backed up: ENOENT/) });
  });

  it("makes no empty copy of a store that is not there", async () => {
    expect(await backUp(copy)).toMatchObject({ code: 1, stderr: expect.stringMatching(/cannot be backed up: ENOENT/) });
    expect(await readdir(folder.path)).toEqual([]);
  });

  it("refuses what it cannot do", async () => {
    expect(await backUp()).toMatchObject({ code: 1, stderr: expect.stringMatching(/name one file/) });
    const place = { folder: folder.path, env: { STATEGATE_STORE: "memory:" } };
    const memory = await runOperatorCommand(["store", "backup", copy], place);
    expect(memory).toMatchObject({ code: 1, stderr: expect.stringMatching(/only a SQLite store/) });
  });
});

function open(path = copy): Promise<StoreBackend> {
  return openSqliteBackend({ path, clock: Date.now, log: createRecordedLog().log });
}

async function writeSessions(count: number): Promise<void> {
  const backend = await open(join(folder.path, "stategate.db"));
  const fields = { owner: "owner", createdAt: Date.now(), expiresAt: Date.now() + HOUR_MS, loadFrom: 0 };
  const opening = (): SessionCommit => {
    const turn = { ...turnOf(0), sealed: randomBytes(64 * 1024) };
    return openingOf(uniqueName("session"), fields, { turn });
  };
  await Promise.all(Array.from({ length: count }, () => mustCommit(backend.sessions, opening())));
  await backend.close();
}
