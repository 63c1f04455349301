/**
 * A process that writes to a SQLite store, for tests that kill it or run two at once. Arguments: path, then
 * `streams`: eight sessions, for ever; prints `key sequence turnId` for every acknowledged commit;
 * `shared KEY COUNT`: appends COUNT turns to one session in competition with others; prints `done`;
 * `budget NAME COUNT`: COUNT times takes 1 of a budget of COUNT and posts a notice; prints how much it got;
 * `large`: commits turns of 64 KB for ever; prints `ok` or the code of the error.
 */
import { randomBytes } from "node:crypto";

import { GatewayError } from "../../src/errors/gateway-error.ts";
import type { SessionStore } from "../../src/store/session-store.ts";
import { openSqliteBackend } from "../../src/store/sqlite/sqlite-backend.ts";
import { followUpOf, HOUR_MS, openingOf, turnOf, uniqueName } from "./store-commits.ts";
import { createRecordedLog } from "./store-log.ts";

const [path = "", mode, key = "", count = "0"] = process.argv.slice(2);
const backend = await openSqliteBackend({ path, clock: Date.now, log: createRecordedLog().log });
const store = backend.sessions;
const fields = { owner: "owner", createdAt: Date.now(), expiresAt: Date.now() + 24 * HOUR_MS, loadFrom: 0 };

if (mode === "streams") await Promise.all(Array.from({ length: 8 }, () => stream(store)));
if (mode === "shared") await share(store, Number(count));
if (mode === "budget") await spend(Number(count));
if (mode === "large") await writeLarge(store);
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
    const turn = { ...turnOf(0), sealed: randomBytes(64 * 1024) };
    const outcome = await sessions.commit(openingOf(uniqueName("session"), fields, { turn })).catch(codeOf);
    process.stdout.write(`${typeof outcome === "string" ? outcome : "ok"}\n`);
  }
}

function codeOf(error: unknown): string {
  return error instanceof GatewayError ? error.code : "unexpected";
}
