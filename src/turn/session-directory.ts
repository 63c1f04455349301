import { randomBytes } from "node:crypto";

import { GatewayError } from "../errors/gateway-error.ts";
import type { StrategyName } from "../history/history-strategy.ts";
import { turnMessages } from "../session/active-turns.ts";
import { decodeHead, emptyFront, encodeHead, noHabits, type SessionHead } from "../session/session-head.ts";
import type { StoredMessage } from "../session/turn-record.ts";
import type { ListPage, SessionRow } from "../store/session-store.ts";
import { freshEpoch, noTotals } from "./advance-session.ts";
import { incarnationOf } from "./open-session.ts";
import type { OpenedSession, SessionRef } from "./opened-session.ts";
import { nextFields, nextRevision } from "./store-turn.ts";
import type { TurnRing } from "./turn-ring.ts";

export interface SessionEntry {
  readonly head: SessionHead;
  readonly expiresAt: number;
}

export interface EntryPage {
  readonly entries: readonly SessionEntry[];
  readonly hasMore: boolean;
}

export interface PageRequest {
  readonly limit: number;
  readonly order: "asc" | "desc";
  /** Id of the entry to go on behind. */
  readonly after: string | undefined;
}

export interface TranscriptEntry {
  readonly id: string;
  readonly at: number;
  readonly turn: number;
  readonly status: "complete" | "incomplete";
  readonly message: StoredMessage;
}

/** Sessions of one owner as a user interface needs them. No method can reach another owner's. */
export interface SessionDirectory {
  list(owner: string, page: PageRequest): Promise<EntryPage>;
  /** @throws GatewayError `session_exists` */
  create(owner: string, session: NewSession): Promise<SessionEntry>;
  /** @throws GatewayError `session_not_found` */
  read(owner: string, sessionId: string): Promise<SessionEntry>;
  /** @throws GatewayError `session_not_found` */
  remove(owner: string, sessionId: string): Promise<void>;
  /** The active transcript as stored, redacted. @throws GatewayError `session_not_found` */
  messages(owner: string, sessionId: string): Promise<readonly TranscriptEntry[]>;
}

export interface NewSession {
  readonly sessionId: string;
  readonly title: string;
  readonly strategy: StrategyName | undefined;
}

export function createSessionDirectory(ring: TurnRing): SessionDirectory {
  const { ports, cache } = ring;
  const refOf = (owner: string, sessionId: string): SessionRef => ({
    owner,
    key: ports.keyedHash.hash("session", owner, sessionId),
  });
  const find = async (owner: string, sessionId: string): Promise<OpenedSession> => {
    const session = await cache.load(refOf(owner, sessionId));
    if (!session) throw new GatewayError("session_not_found", "no such session");
    return session;
  };
  return {
    async list(owner, { limit, order, after }) {
      const cursor = after === undefined ? undefined : await findCursor(ring, refOf(owner, after));
      const rows = await ports.sessions.list(owner, { limit: limit + 1, order, ...(cursor && { after: cursor }) });
      const opened = await Promise.all(rows.slice(0, limit).map((row) => openRow(ring, owner, row)));
      return { entries: opened.filter((entry) => entry !== undefined), hasMore: rows.length > limit };
    },
    async create(owner, session) {
      const ref = refOf(owner, session.sessionId);
      const incarnation = randomBytes(16).toString("hex");
      const head = newHead(session, ports.clock());
      const keys = await ports.sealer.forSession({ ...ref, incarnation });
      const fields = nextFields(ports, { ref, head, loadFrom: 0 });
      const { committed } = await ports.sessions.commit({
        key: ref.key,
        expected: undefined,
        revision: nextRevision(undefined, incarnation),
        fields,
        head: keys.seal("head", "", encodeHead(head)),
      });
      if (!committed) throw new GatewayError("session_exists", "the session exists");
      return { head, expiresAt: fields.expiresAt };
    },
    async read(owner, sessionId) {
      const { head, fields } = await find(owner, sessionId);
      return { head, expiresAt: fields.expiresAt };
    },
    async remove(owner, sessionId) {
      const { key } = refOf(owner, sessionId);
      // Behind appends that are under way, so that none of them brings the session back.
      const removed = await ring.appends.run(key, () => ports.sessions.remove(key));
      cache.drop(key);
      if (!removed) throw new GatewayError("session_not_found", "no such session");
    },
    async messages(owner, sessionId) {
      return transcriptOf(await cache.loadAll(await find(owner, sessionId)));
    },
  };
}

async function findCursor({ ports }: TurnRing, { key, owner }: SessionRef): Promise<ListPage["after"]> {
  const stored = await ports.sessions.load(key);
  if (stored?.fields.owner === owner) return { createdAt: stored.fields.createdAt, key };
  throw new GatewayError("invalid_parameter", "unknown cursor", {
    param: "after",
    publicDetail: "'after' is not the id of one of your sessions.",
  });
}

/** One row that cannot be opened must not hide its neighbours. */
async function openRow({ ports }: TurnRing, owner: string, row: SessionRow): Promise<SessionEntry | undefined> {
  try {
    const identity = { owner, key: row.key, incarnation: incarnationOf(row.revision) };
    const keys = await ports.sealer.forSession(identity);
    return { head: decodeHead(keys.open("head", "", row.head)), expiresAt: row.fields.expiresAt };
  } catch (error) {
    if (!(error instanceof GatewayError && error.code === "record_unreadable")) throw error;
    ports.log.error({ code: error.code }, "a listed session cannot be opened");
    return undefined;
  }
}

const newHead = ({ sessionId, title, strategy }: NewSession, now: number): SessionHead => ({
  sessionId,
  title,
  strategy,
  createdAt: now,
  lastActiveAt: now,
  lastAskedAt: undefined,
  records: 0,
  recordChain: "",
  frontRecordChain: "",
  turns: 0,
  messages: 0,
  tokens: 0,
  front: emptyFront,
  epoch: freshEpoch,
  habits: noHabits,
  systemHash: undefined,
  slotTags: {},
  billing: undefined,
  totals: noTotals,
});

const transcriptOf = ({ active }: OpenedSession): TranscriptEntry[] =>
  active.flatMap((turn, index) => {
    const { id, at, status } = turn.record;
    return turnMessages(turn).map((message, place) => ({
      id: `msg_${id}_${place}`,
      at,
      turn: index + 1,
      status,
      message,
    }));
  });
