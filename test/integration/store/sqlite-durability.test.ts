import { type ChildProcess, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { openSqliteBackend } from "../../../src/store/sqlite/sqlite-backend.ts";
import type { StoreBackend } from "../../../src/store/store-backend.ts";
import { HOUR_MS, mustCommit, openingOf, turnOf, uniqueName } from "../../support/store-commits.ts";
import { createRecordedLog } from "../../support/store-log.ts";
import { startStoreProcess, type StoreProcess } from "../../support/store-sqlite-process.ts";
import { createTempFolder, type TempFolder } from "../../support/store-temp-folder.ts";

const KILLS = 10;
const hasPrlimit = spawnSync("prlimit", ["--version"]).status === 0;

let folder: TempFolder;
let path: string;
const children: StoreProcess[] = [];
beforeEach(async () => {
  folder = await createTempFolder();
  path = join(folder.path, "stategate.db");
});
afterEach(async () => {
  for (const child of children.splice(0)) await child.kill();
  await folder.remove();
});

describe("the SQLite store and sudden ends", () => {
  it(`loses no acknowledged commit in ${KILLS} kills of a writing process`, async () => {
    const acknowledged: string[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const writing = startChild("streams");
      writing.lines.on("line", (line) => acknowledged.push(line));
      await once(writing.lines, "line");
      await pause(Math.random() * 60);
      await Promise.all([writing.kill(), once(writing.lines, "close")]);
    }
    const backend = await open();
    const lost: string[] = [];
    for (const line of acknowledged) {
      const [key = "", sequence, id] = line.split(" ");
      const [turn] = await backend.sessions.readTurns(key, Number(sequence), Number(sequence) + 1);
      if (turn?.id !== id) lost.push(line);
    }
    await backend.close();
    expect(acknowledged.length).toBeGreaterThan(KILLS * 8);
    expect(lost).toEqual([]);
  });

  it("lets two processes create one file and write one session without losing a turn", async () => {
    const key = uniqueName("session");
    const pair = [startChild("shared", key, "60"), startChild("shared", key, "60")];
    const codes = await Promise.all(pair.map(({ child }) => once(child, "exit")));
    expect(codes.map(([code]: unknown[]) => code)).toEqual([0, 0]);
    const backend = await open();
    const session = await backend.sessions.load(key);
    await backend.close();
    expect(session?.turns.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 120 }, (_, index) => index));
  });

  it("lets two processes share one budget, and a third hear each of their notices once and in order", async () => {
    const times = 60;
    const backend = await open();
    let { cursor } = await backend.notices.read(undefined);
    const heard: string[] = [];
    const listen = async (): Promise<void> => {
      const page = await backend.notices.read(cursor);
      heard.push(...page.notices);
      cursor = page.cursor;
    };
    const pair = [startChild("budget", "q", String(times)), startChild("budget", "q", String(times))];
    const granted = pair.map(async ({ lines }) => Number((await once(lines, "line"))[0]));
    const exited = Promise.all(pair.map(({ child }) => once(child, "exit")));
    let isRunning = true;
    const ended = exited.finally(() => (isRunning = false));
    while (isRunning) {
      await listen();
      await pause(1);
    }
    await ended;
    await listen();
    await backend.close();
    expect((await Promise.all(granted)).reduce((sum, count) => sum + count, 0)).toBe(times);
    expect(heard).toHaveLength(2 * times);
    for (const { child } of pair) {
      const own = heard.filter((notice) => notice.startsWith(`${child.pid}:`));
      expect(own).toEqual(Array.from({ length: times }, (_, index) => `${child.pid}:${index}`));
    }
  });

  it.skipIf(!hasPrlimit)("says store_unavailable while the disk takes no more, and recovers", async () => {
    const { child, untilLine } = startChild("large");
    await untilLine("ok");
    limitFileSize(child, "1048576");
    await untilLine("store_unavailable");
    limitFileSize(child, "unlimited");
    await untilLine("ok");
  });

  it("keeps database and log to the owner of the process", async () => {
    path = join(folder.path, "new", "stategate.db");
    const backend = await open();
    await mustCommit(backend.sessions, opening());
    const names = await readdir(join(folder.path, "new"));
    expect(names.toSorted()).toEqual(["stategate.db", "stategate.db-shm", "stategate.db-wal"]);
    for (const name of names) expect((await stat(join(folder.path, "new", name))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder.path, "new"))).mode & 0o777).toBe(0o700);
    await backend.close();
  });

  it("folds the log into the file when it is closed", async () => {
    const backend = await open();
    const commit = opening();
    await mustCommit(backend.sessions, commit);
    await backend.close();
    expect(await readdir(folder.path)).toEqual(["stategate.db"]);
    expect((await readFile(path)).includes(commit.turn?.sealed ?? "")).toBe(true);
  });
});

describe("the SQLite store and files that are not its own", () => {
  it("refuses a corrupt file and leaves it as it is", async () => {
    const rubbish = Buffer.alloc(8_192, "rubbish");
    await writeFile(path, rubbish);
    await expect(open()).rejects.toMatchObject({
      code: "store_unavailable",
      message: expect.stringMatching(/not a database/),
    });
    expect(await readFile(path)).toEqual(rubbish);
  });

  it("refuses another program's database and leaves it as it is", async () => {
    const foreign = new DatabaseSync(path);
    foreign.exec("CREATE TABLE recipes (name TEXT); PRAGMA user_version = 1");
    foreign.close();
    await expect(open()).rejects.toMatchObject({
      code: "store_unavailable",
      message: expect.stringMatching(/another program/),
    });
    const again = new DatabaseSync(path);
    expect(again.prepare("SELECT name FROM sqlite_schema").all()).toEqual([{ name: "recipes" }]);
    again.close();
  });

  it("refuses a schema from the future", async () => {
    await (await open()).close();
    const database = new DatabaseSync(path);
    database.exec("PRAGMA user_version = 99");
    database.close();
    await expect(open()).rejects.toMatchObject({
      code: "store_unavailable",
      message: expect.stringMatching(/newer than this release/),
    });
  });

  it("says store_unavailable where it may not create a file", async () => {
    const file = join(folder.path, "file");
    await writeFile(file, "");
    await chmod(file, 0o600);
    path = join(file, "stategate.db");
    await expect(open()).rejects.toMatchObject({ code: "store_unavailable" });
  });

  it("reports a file that turns corrupt while it is open, for reads and for writes", async () => {
    const backend = await open();
    const commit = opening({ sealed: Buffer.alloc(100_000, 1) });
    await mustCommit(backend.sessions, commit);
    await backend.close();
    const broken = await readFile(path);
    await writeFile(path, broken.fill(0xff, 4_096));
    const reopened = await open().catch((error: unknown) => error);
    if (reopened instanceof Error) return expect(reopened).toMatchObject({ code: "store_unavailable" });
    const again = reopened as StoreBackend;
    await expect(again.sessions.load(commit.key)).rejects.toMatchObject({ code: "store_unavailable" });
    await expect(again.sessions.commit(opening())).rejects.toMatchObject({ code: "store_unavailable" });
    await again.close();
  });
});

function open(): Promise<StoreBackend> {
  return openSqliteBackend({ path, clock: Date.now, log: createRecordedLog().log });
}

function opening(turn: { sealed?: Buffer } = {}): ReturnType<typeof openingOf> {
  const now = Date.now();
  const fields = { owner: "owner", createdAt: now, expiresAt: now + HOUR_MS, loadFrom: 0 };
  return openingOf(uniqueName("session"), fields, { turn: { ...turnOf(0, uniqueName("turn")), ...turn } });
}

function startChild(...mode: string[]): StoreProcess {
  const started = startStoreProcess([path, ...mode]);
  children.push(started);
  return started;
}

/** The soft limit alone, so that it can be lifted again. A write beyond it fails as on a full disk. */
function limitFileSize(child: ChildProcess, bytes: string): void {
  const { status } = spawnSync("prlimit", ["--pid", String(child.pid), `--fsize=${bytes}:unlimited`]);
  if (status !== 0) throw new Error("prlimit failed");
}
