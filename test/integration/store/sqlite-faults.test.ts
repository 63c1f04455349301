/** Disks that are full or read-only, and files that are damaged: what the SQLite store says, and what it still does. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { SessionCommit } from "../../../src/store/session-store.ts";
import { backUpSqlite } from "../../../src/store/sqlite/back-up-sqlite.ts";
import { openSqliteBackend } from "../../../src/store/sqlite/sqlite-backend.ts";
import type { StoreBackend } from "../../../src/store/store-backend.ts";
import { HOUR_MS, mustCommit, openingOf, turnOf, uniqueName } from "../../support/store-commits.ts";
import { createRecordedLog, type RecordedLog } from "../../support/store-log.ts";
import { startStoreProcess } from "../../support/store-sqlite-process.ts";
import { createTempFolder, type TempFolder } from "../../support/store-temp-folder.ts";

const UNAVAILABLE = { name: "GatewayError", code: "store_unavailable" };
const PAGE_BYTES = 4_096;
/** A mount of its own, which only the process under test sees. */
const unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"];
const canMount = spawnSync("unshare", [...unshare.slice(1), "mount -t tmpfs tmpfs /mnt"]).status === 0;

let folder: TempFolder;
let path: string;
let recorded: RecordedLog;
beforeEach(async () => {
  folder = await createTempFolder();
  path = join(folder.path, "stategate.db");
  recorded = createRecordedLog();
});
afterEach(() => folder.remove());

describe.skipIf(!canMount)("the SQLite store on a disk", () => {
  it("that is full: refuses writes, says so once, reads on, loses nothing, and goes on when there is space", async () => {
    const disk = join(folder.path, "disk");
    await mkdir(disk);
    const mount = 'mount -t tmpfs -o size=4m tmpfs "$0" && exec "$@"';
    const args = [join(disk, "stategate.db"), "full", join(disk, "ballast")];
    const { lines, kill } = startStoreProcess(args, [...unshare, mount, disk]);
    const [line] = (await once(lines, "line")) as [string];
    await kill();
    const { before, ...outcome } = JSON.parse(line) as { before: number };
    expect(before).toBeGreaterThan(5);
    expect(outcome).toEqual({
      failure: expect.stringMatching(/^store_unavailable: the SQLite store cannot write: .*disk is full$/),
      whileFull: { events: ["sqlite_writes_failing"], lost: 0 },
      after: { events: ["sqlite_writes_failing", "sqlite_writes_again"], lost: 0 },
    });
  });

  it("that is read-only: is not opened, and says why", async () => {
    await (await open()).close();
    const mount = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"';
    const { lines, kill } = startStoreProcess([path, "large"], [...unshare, mount, folder.path]);
    const [line] = (await once(lines, "line")) as [string];
    await kill();
    expect(line).toMatch(/^store_unavailable: the SQLite store cannot open its file for writing: .*read-only/);
  });
});

describe("a SQLite file of which a page was overwritten", () => {
  let commits: SessionCommit[];
  beforeEach(async () => {
    commits = await writeSessions(20);
    await overwritePageWith(commits[7]?.turn?.sealed ?? Buffer.of());
  });

  it("fails where the page is needed, says so once, and serves the rest", async () => {
    const backend = await open();
    for (let again = 0; again < 3; again += 1) {
      await expect(backend.sessions.load(commits[7]?.key ?? "")).rejects.toMatchObject({
        ...UNAVAILABLE,
        message: expect.stringMatching(/malformed/),
      });
    }
    expect((await backend.sessions.load(commits[0]?.key ?? ""))?.turns).toEqual([commits[0]?.turn]);
    expect(await backend.sessions.list("owner", { limit: 99, order: "asc" })).toHaveLength(20);
    expect(recorded.events).toEqual(["sqlite_file_damaged"]);
    await backend.close();
  });

  it("is not taken for a backup", async () => {
    const file = join(folder.path, "copy.db");
    const backingUp = backUpSqlite({ path, file, onProgress: () => undefined });
    await expect(backingUp).rejects.toMatchObject({ ...UNAVAILABLE, message: expect.stringMatching(/is damaged/) });
    await expect(readFile(file)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

it("a SQLite file that was cut off is refused, and left as it is", async () => {
  await writeSessions(20);
  await truncate(path, 5 * PAGE_BYTES);
  const rest = await readFile(path);
  await expect(open()).rejects.toMatchObject({ ...UNAVAILABLE, message: expect.stringMatching(/malformed/) });
  expect(await readFile(path)).toEqual(rest);
});

function open(): Promise<StoreBackend> {
  return openSqliteBackend({ path, clock: Date.now, log: recorded.log });
}

/** Each turn fills most of a page. */
async function writeSessions(count: number): Promise<SessionCommit[]> {
  const backend = await open();
  const fields = { owner: "owner", createdAt: Date.now(), expiresAt: Date.now() + HOUR_MS, loadFrom: 0 };
  const commits = Array.from({ length: count }, () => {
    const sealed = Buffer.alloc(3_500, uniqueName("turn"));
    return openingOf(uniqueName("session"), fields, { turn: { ...turnOf(0), sealed } });
  });
  for (const commit of commits) await mustCommit(backend.sessions, commit);
  await backend.close();
  return commits;
}

async function overwritePageWith(bytes: Buffer): Promise<void> {
  const file = await readFile(path);
  const page = Math.floor(file.indexOf(bytes) / PAGE_BYTES) * PAGE_BYTES;
  expect(page).toBeGreaterThan(0);
  await writeFile(path, file.fill(0xff, page, page + PAGE_BYTES));
}
