import { randomBytes } from "node:crypto";

import { DATA_KEY_PREFIX } from "../../src/sealing/data-keys.ts";
import { openStore } from "../../src/store/open-store.ts";
import type { SessionStore } from "../../src/store/session-store.ts";

const AT_ONCE = 256;
const SESSIONS_OF_AN_OWNER = 10;
const DAY_MS = 86_400_000;
/** Of a short turn, as sealed by the gateway. */
const SEALED_BYTES = 700;
const HEAD_BYTES = 900;
const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, fatal() {} };

/** Sessions and users of nobody, with bytes that mean nothing: what they are there for is to be many. */
export interface StoreFiller {
  addSessions(count: number): Promise<void>;
  addUsers(count: number): Promise<void>;
  close(): Promise<void>;
}

export async function openStoreFiller(address: string): Promise<StoreFiller> {
  const backend = await openStore(address, { clock: Date.now, log: silent, commandTimeoutMs: 60_000 });
  return {
    addSessions: (count) => inBatches(count, (index) => addSession(backend.sessions, index)),
    addUsers: (count) => inBatches(count, () => backend.records.putIfAbsent(DATA_KEY_PREFIX + hash(), randomBytes(80))),
    close: () => backend.close(),
  };
}

async function inBatches(count: number, add: (index: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += AT_ONCE) {
    const size = Math.min(AT_ONCE, count - from);
    await Promise.all(Array.from({ length: size }, (_, offset) => add(from + offset)));
  }
}

let owner = hash();

function addSession(sessions: SessionStore, index: number): Promise<unknown> {
  if (index % SESSIONS_OF_AN_OWNER === 0) owner = hash();
  const now = Date.now();
  return sessions.commit({
    key: hash(),
    expected: undefined,
    revision: `${randomBytes(8).toString("hex")}.1`,
    fields: { owner, createdAt: now, expiresAt: now + DAY_MS, loadFrom: 0 },
    head: randomBytes(HEAD_BYTES),
    turn: { sequence: 0, id: randomBytes(16).toString("hex"), sealed: randomBytes(SEALED_BYTES) },
  });
}

function hash(): string {
  return randomBytes(32).toString("base64url");
}
