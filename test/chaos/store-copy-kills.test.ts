/** `stategate store copy` killed at random moments: what is there is never half, and the next run makes up for it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { expect, it } from "vitest";

import { openSqliteBackend } from "../../src/store/sqlite/sqlite-backend.ts";
import type { StoreBackend } from "../../src/store/store-backend.ts";
import { runStategate } from "../support/command-process.ts";
import { inCiOrProving } from "../support/prove.ts";
import { HOUR_MS, openingOf, uniqueName, writeTurns } from "../support/store-commits.ts";
import { readContents, type SessionContents, withRootSecret, writeContents } from "../support/store-contents.ts";
import { createRecordedLog } from "../support/store-log.ts";
import { createTempFolder } from "../support/store-temp-folder.ts";

const KILLS = inCiOrProving(4, 100);
const SESSIONS = inCiOrProving(100, 1_000);
const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

it("a copy that is killed is never taken for a whole one, and is completed by the next run", async () => {
  const folder = await createTempFolder();
  const [source, target] = [join(folder.path, "source.db"), join(folder.path, "target.db")];
  const original = await open(source);
  await writeContents(original, { sessions: [], records: withRootSecret([]), audit: [] });
  const fields = { owner: "owner", createdAt: Date.now(), expiresAt: Date.now() + HOUR_MS, loadFrom: 3 };
  const lengths = Array.from({ length: SESSIONS }, (_, index) => (index % 10 === 0 ? 60 : 5));
  await Promise.all(lengths.map((turns) => writeTurns(original.sessions, openingOf(uniqueName("s"), fields), turns)));
  const expected = await readContents(original);
  await original.close();

  const args = ["store", "copy", `sqlite:${source}`, `sqlite:${target}`];
  let halves = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const turns = countTurns(target);
    const copying = spawn(process.execPath, [MAIN, ...args], { stdio: "ignore" });
    const ended = once(copying, "exit");
    while (countTurns(target) <= turns && copying.exitCode === null) await pause(2);
    await pause(Math.random() * 30);
    copying.kill("SIGKILL");
    await ended;
    halves += await countHalves(target, expected.sessions);
  }
  const { code, stdout } = await runStategate(args, {});
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/byte for byte\n$/) });
  const copy = await open(target);
  expect(await readContents(copy)).toEqual(expected);
  await copy.close();
  await folder.remove();
  process.stdout.write(`${KILLS} kills of a copy: ${halves} sessions were half written and made anew\n`);
});

/** What is there under its true revision must be whole; resolves to how many sessions are there under another one. */
async function countHalves(path: string, expected: readonly SessionContents[]): Promise<number> {
  const store = await open(path);
  const { sessions } = await readContents(store);
  await store.close();
  const originals = new Map(expected.map((session) => [session.key, session]));
  const whole = sessions.filter(({ key, revision }) => originals.get(key)?.revision === revision);
  for (const session of whole) expect(session).toEqual(originals.get(session.key));
  return sessions.length - whole.length;
}

function countTurns(path: string): number {
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    const turns = Number(database.prepare("SELECT count(*) AS turns FROM turns").get()?.["turns"]);
    database.close();
    return turns;
  } catch {
    // Not made yet.
    return 0;
  }
}

function open(path: string): Promise<StoreBackend> {
  return openSqliteBackend({ path, clock: Date.now, log: createRecordedLog().log });
}
