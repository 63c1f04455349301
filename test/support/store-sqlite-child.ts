/**
 * A process that writes to a SQLite store, for tests that kill it or run two at once. Arguments: path, then
 * `streams`: eight sessions, for ever; prints `key sequence turnId` for every acknowledged commit;
 * `shared KEY COUNT`: appends COUNT turns to one session in competition with others; prints `done`;
 * `budget NAME COUNT`: COUNT times takes 1 of a budget of COUNT and posts a notice; prints how much it got;
 * `large`: commits turns of 64 KB for ever; prints `ok` or the code of the error;
 * `full BALLAST`: fills the disk, of which the file BALLAST takes a part, and then frees it; prints what came of it.
 */
import { randomBytes } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";

import { GatewayError } from "../../src/errors/gateway-error.ts";
import type { SessionCommit, SessionStore } from "../../src/store/session-store.ts";
import { openSqliteBackend } from "../../src/store/sqlite/sqlite-backend.ts";
import { followUpOf, HOUR_MS, openingOf, turnOf, uniqueName } from "./store-commits.ts";
import { createRecordedLog } from "./store-log.ts";

const [path = "", mode, key = "", count = "0"] = process.argv.slice(2);
const { log, events } = createRecordedLog();
const backend = await openSqliteBackend({ path, clock: Date.now, log }).catch((error: unknown) => {
  process.stdout.write(`${codeOf(error)}: ${messageOf(error)}\n`);
  process.exit(0);
});
const store = backend.sessions;
const fields = { owner: "owner", createdAt: Date.now(), expiresAt: Date.now() + 24 * HOUR_MS, loadFrom: 0 };

if (mode === "streams") await Promise.all(Array.from({ length: 8 }, () => stream(store)));
if (mode === "shared") await share(store, Number(count));
if (mode === "budget") await spend(Number(count));
if (mode === "large") await writeLarge(store);
if (mode === "full") process.stdout.write(`${JSON.stringify(await fillDisk(store, key))}\n`);
await backend.close();

async function stream(sessions: SessionStore): Promise<void> {
  for (let commit = openingOf(uniqueName("session"), fields); ; commit = followUpOf(commit)) {
    const { committed } = await sessions.commit(commit);
    if (!committed || !commit.turn) throw new Error("nobody else writes this session");
    process.stdout.write(`${commit.key} ${commit.turn.sequence} ${commit.turn.id}\n`);
  }
}

async function share(sessions: SessionStore, turns: number): Promise<void> {
  for (let written = 0; written < turns;) {
    const session = await sessions.load(key);
    const length = session?.turns.length ?? 0;
    const number = Number(session?.revision.split(".")[1] ?? -1) + 1;
    const revision = `shared.${number}`;
    const changes = { expected: session?.revision, revision, turn: turnOf(length) };
    const outcome = await sessions.commit(openingOf(key, fields, changes));
    if (outcome.committed) written += 1;
  }
  process.stdout.write("done\n");
}

async function spend(times: number): Promise<void> {
  const window = { startsAt: 0, endsAt: fields.expiresAt, limit: times };
  let granted = 0;
  for (let taken = 0; taken < times; taken++) {
    granted += (await backend.quotas.take(key, window, 1)).granted;
    await backend.notices.post(`${process.pid}:${taken}`);
  }
  process.stdout.write(`${granted}\n`);
}

async function writeLarge(sessions: SessionStore): Promise<void> {
  for (;;) {
    const outcome = await sessions.commit(largeOpening()).catch(codeOf);
    process.stdout.write(`${typeof outcome === "string" ? outcome : "ok"}\n`);
  }
}

function largeOpening(): SessionCommit {
  const turn = { ...turnOf(0), sealed: randomBytes(64 * 1024) };
  return openingOf(uniqueName("session"), fields, { turn });
}

async function fillDisk(sessions: SessionStore, ballast: string): Promise<object> {
  await writeFile(ballast, randomBytes(1024 * 1024));
  const acknowledged: SessionCommit[] = [];
  const failures: string[] = [];
  const write = async (commit: SessionCommit): Promise<void> => {
    try {
      await sessions.commit(commit);
      acknowledged.push(commit);
    } catch (error) {
      failures.push(`${codeOf(error)}: ${messageOf(error)}`);
    }
  };
  const countLost = async (): Promise<number> => {
    const turns = await Promise.all(acknowledged.map((commit) => sessions.load(commit.key)));
    return turns.filter((session, index) => session?.turns[0]?.id !== acknowledged[index]?.turn?.id).length;
  };
  while (failures.length < 20) await write(largeOpening());
  const whileFull = { events: [...events], lost: await countLost() };
  await rm(ballast);
  const before = acknowledged.length;
  while (acknowledged.length === before) await write(largeOpening());
  return { before, failure: failures.at(-1), whileFull, after: { events, lost: await countLost() } };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): string {
  return error instanceof GatewayError ? error.code : "unexpected";
}
