import { GatewayError } from "../errors/gateway-error.ts";
import type { StrategyName } from "../history/history-strategy.ts";
import type { ChatMessage } from "../protocol/chat-message.ts";
import { restoreMessage } from "../redaction/restore-answer.ts";
import { decodeHead, emptyFront, encodeHead, noHabits, type SessionHead } from "../session/session-head.ts";
import type { StoredMessage } from "../session/turn-record.ts";
import { nothingWithheld, type Withheld } from "../session/withheld.ts";
import type { ListPage, SessionRow } from "../store/session-store.ts";
import { freshEpoch, noTotals } from "./advance-session.ts";
import { changeHead, commitHead } from "./change-head.ts";
import { type ContextReport, explainContext } from "./explain-context.ts";
import { incarnationOf } from "./open-session.ts";
import type { OpenedSession, SessionRef } from "./opened-session.ts";
import { rotateSession } from "./rotate-session.ts";
import { beginSession, commitBirth } from "./session-birth.ts";
import type { SessionCall } from "./session-door.ts";
import type { SessionVisitor } from "./session-visitor.ts";
import { nextFields, nextRevision } from "./store-turn.ts";
import { sumCounts } from "./sum-counts.ts";
import type { TurnRing } from "./turn-ring.ts";
import { isUnreadable } from "./unreadable-sessions.ts";

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
  /** Without sessions that are bound to somewhere else. */
  list(visitor: SessionVisitor, page: PageRequest): Promise<EntryPage>;
  /** @throws GatewayError `session_exists`, `redaction_failed` */
  create(visitor: SessionVisitor, session: NewSession): Promise<SessionEntry>;
  /** @throws GatewayError `session_not_found`, `session_bound_elsewhere`; so do all that follow */
  read(call: SessionCall): Promise<SessionEntry>;
  update(call: SessionCall, changes: SessionChanges): Promise<SessionEntry>;
  remove(call: SessionCall): Promise<void>;
  /** The active transcript as stored, redacted; what the session may put back is put back. */
  messages(call: SessionCall): Promise<readonly TranscriptEntry[]>;
  /** What the session sends and why. Computed on the spot; nothing is stored. */
  context(call: SessionCall): Promise<ContextReport>;
  /** The session under its new id. */
  rotate(call: SessionCall): Promise<SessionEntry>;
}

export interface NewSession {
  readonly sessionId: string;
  /** As given: it is redacted before it is stored, like all that a client writes. */
  readonly title: string;
  readonly strategy: StrategyName | undefined;
}

/** What is left out stays as it is. An empty title lets the next turn name the session. */
export interface SessionChanges {
  readonly title: string | undefined;
  readonly strategy: StrategyName | undefined;
}

export function createSessionDirectory(ring: TurnRing): SessionDirectory {
  const { ports, cache } = ring;
  const placeOf = (owner: string, sessionId: string) => ring.links.locate(owner, sessionId);
  const find = async (call: SessionCall): Promise<OpenedSession> => {
    const session = await ring.door.open(await placeOf(call.visitor.owner, call.sessionId), call);
    if (session) return session;
    // Another's session is not there for this caller either: the entry cannot tell a guess from a mistake.
    const { owner, address } = call.visitor;
    ports.audit.record({ event: "malicious_direct_reference", owner, address, reason: "unknown_session" });
    throw notFound();
  };
  return {
    async list(visitor, { limit, order, after }) {
      const { owner } = visitor;
      const entries: SessionEntry[] = [];
      let cursor = after === undefined ? undefined : await findCursor(ring, (await placeOf(owner, after)).ref);
      for (;;) {
        const rows = await ports.sessions.list(owner, { limit: limit + 1, order, ...(cursor && { after: cursor }) });
        const opened = await Promise.all(rows.slice(0, limit).map((row) => openRow(ring, visitor, row)));
        entries.push(...opened.filter((entry) => entry !== undefined));
        const hasMore = rows.length > limit;
        // A page of sessions that cannot be shown would name none to go on behind.
        const last = rows[limit - 1];
        if (!hasMore || !last || entries.length > 0) return { entries, hasMore };
        cursor = { createdAt: last.fields.createdAt, key: last.key };
      }
    },
    async create(visitor, session) {
      const { ref } = await placeOf(visitor.owner, session.sessionId);
      const birth = await beginSession(ports, ref);
      const title = await redactTitle(ring, ref.key, session.title);
      const head = { ...newHead({ ...session, title }, ports.clock()), binding: ring.door.bindingOf(ref.key, visitor) };
      const fields = nextFields(ports, { ref, head, loadFrom: 0 });
      const { committed } = await commitBirth(ports, birth, {
        key: ref.key,
        expected: undefined,
        revision: nextRevision(undefined, birth.identity.incarnation),
        fields,
        head: birth.keys.seal("head", "", encodeHead(head)),
      });
      if (!committed) throw new GatewayError("session_exists", "the session exists");
      ports.audit.record({ event: "session_created", owner: visitor.owner, address: visitor.address, reason: "api" });
      return { head, expiresAt: fields.expiresAt };
    },
    read: async (call) => entryOf(await find(call)),
    async update(call, { title, strategy }) {
      const session = await find(call);
      const changes = {
        ...(title !== undefined && { title: await redactTitle(ring, session.ref.key, title) }),
        ...(strategy && { strategy }),
      };
      return entryOf(await changeHead(ring, session, (base) => commitHead(ring, base, { ...base.head, ...changes })));
    },
    async remove(call) {
      const { key } = (await placeOf(call.visitor.owner, call.sessionId)).ref;
      // What cannot be opened any more can still be deleted.
      await find(call).catch(unlessUnreadable);
      // Behind appends that are under way, so that none of them brings the session back.
      const removed = await ring.appends.run(key, () => ports.sessions.remove(key));
      cache.drop(key);
      ring.recall.drop(key);
      if (!removed) throw notFound();
      ports.audit.record({ event: "session_deleted", owner: call.visitor.owner, address: call.visitor.address });
    },
    async messages(call) {
      const session = await cache.loadAll(await find(call));
      // The next page is asked for next.
      cache.keep(session);
      return transcriptOf(session, ports.settings.withholding.restores ? session.withheld : nothingWithheld);
    },
    context: async (call) => explainContext(ports, cache, await find(call)),
    rotate: async (call) => entryOf(await rotateSession(ring, await find(call), call)),
  };
}

async function redactTitle({ ports }: TurnRing, key: string, title: string): Promise<string> {
  const redactions = (await ports.redactor?.redactValues([title], ports.placeholders(key))) ?? [];
  ports.meter.redactions(sumCounts(redactions));
  return redactions[0]?.value ?? title;
}

const notFound = (): GatewayError => new GatewayError("session_not_found", "no such session");

const entryOf = ({ head, fields }: OpenedSession): SessionEntry => ({ head, expiresAt: fields.expiresAt });

function unlessUnreadable(error: unknown): void {
  if (!isUnreadable(error)) throw error;
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
async function openRow(
  { ports, door, tellUnreadable }: TurnRing,
  visitor: SessionVisitor,
  row: SessionRow,
): Promise<SessionEntry | undefined> {
  const { owner } = visitor;
  try {
    const identity = { owner, key: row.key, incarnation: incarnationOf(row.revision) };
    const keys = await ports.sealer.forSession(identity);
    const head = decodeHead(keys.open("head", "", row.head));
    return door.shows({ ref: identity, head }, visitor) ? { head, expiresAt: row.fields.expiresAt } : undefined;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    tellUnreadable({ owner, key: row.key }, "listed");
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

const transcriptOf = ({ active }: OpenedSession, withheld: Withheld): TranscriptEntry[] =>
  active.flatMap((turn, index) => {
    const { id, at, status } = turn.record;
    return turn.messages.map((message, place) => ({
      id: `msg_${id}_${place}`,
      at,
      turn: index + 1,
      status,
      message: restored(message, withheld),
    }));
  });

function restored(message: StoredMessage, withheld: Withheld): StoredMessage {
  if (withheld.size === 0) return message;
  const clear = restoreMessage(JSON.parse(message.bytes.toString("utf8")) as ChatMessage, withheld);
  return { ...message, bytes: Buffer.from(JSON.stringify(clear)) };
}
