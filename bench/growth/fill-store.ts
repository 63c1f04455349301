import { randomBytes } from "node:crypto";

import { DATA_KEY_PREFIX } from "../../src/sealing/data-keys.ts";
import { openStore } from "../../src/store/open-store.ts";
import type { ListPage, SessionStore } from "../../src/store/session-store.ts";

const AT_ONCE = 256;
const SESSIONS_OF_AN_OWNER = 10;
const DAY_MS = 86_400_000;
/** Of a short turn, as sealed by the gateway. */
const SEALED_BYTES = 700;
const HEAD_BYTES = 900;
const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, fatal() {} };

/** Sessions and users of nobody, with bytes that mean nothing: what they are there for is to be many. */
export interface StoreFiller {
  /** @param owner of all of them; without it each owner has ten */
  addSessions(count: number, owner?: string): Promise<void>;
  addUsers(count: number): Promise<void>;
  /** The newest first, each as the place that the next page may begin after. */
  list(owner: string, page: Omit<ListPage, "order">): Promise<Required<ListPage>["after"][]>;
  close(): Promise<void>;
}

export async function openStoreFiller(address: string): Promise<StoreFiller> {
  const backend = await openStore(address, { clock: Date.now, log: silent, commandTimeoutMs: 60_000 });
  return {
    addSessions: (count, owner) => inBatches(count, (index) => addSession(backend.sessions, owner ?? ownerOf(index))),
    addUsers: (count) => inBatches(count, () => backend.records.putIfAbsent(DATA_KEY_PREFIX + hash(), randomBytes(80))),
    async list(owner, page) {
      const rows = await backend.sessions.list(owner, { ...page, order: "desc" });
      return rows.map(({ key, fields: { createdAt } }) => ({ createdAt, key }));
    },
    close: () => backend.close(),
  };
}

async function inBatches(count: number, add: (index: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += AT_ONCE) {
    const size = Math.min(AT_ONCE, count - from);
    await Promise.all(Array.from({ length: size }, (_, offset) => add(from + offset)));
  }
}

let lastOwner = hash();

function ownerOf(index: number): string {
  if (index % SESSIONS_OF_AN_OWNER === 0) lastOwner = hash();
  return lastOwner;
}

function addSession(sessions: SessionStore, owner: string): Promise<unknown> {
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
