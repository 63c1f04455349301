import type { Clock } from "../../kit/clock.ts";
import { ownBytes } from "../../kit/own-bytes.ts";
import { isSameIncarnation } from "../revision.ts";
import {
  committed,
  runPiece,
  type KnownRevision,
  type ListPage,
  type SealedTurn,
  type SessionCommit,
  type SessionFields,
  type SessionRow,
  type SessionStore,
  type StoredSession,
  unchangedSession,
} from "../session-store.ts";
import { turnSequenceTaken } from "../turn-sequence-taken.ts";

interface MemorySession {
  revision: string;
  fields: SessionFields;
  head: Buffer;
  readonly slots: Map<string, Buffer>;
  readonly turns: Map<number, SealedTurn>;
}

/** @param refuseWhenClosed throws `store_unavailable` once the backend is closed */
export function createMemorySessionStore(clock: Clock, refuseWhenClosed: () => void): SessionStore {
  const sessions = new Map<string, MemorySession>();
  const keysOfOwner = new Map<string, Set<string>>();

  const live = (key: string): MemorySession | undefined => {
    refuseWhenClosed();
    const session = sessions.get(key);
    return session && session.fields.expiresAt > clock() ? session : undefined;
  };
  const forget = (key: string): void => {
    const session = sessions.get(key);
    sessions.delete(key);
    if (session) keysOfOwner.get(session.fields.owner)?.delete(key);
  };
  const enter = ({ key, fields: { owner } }: SessionCommit): void => {
    forget(key);
    keysOfOwner.set(owner, (keysOfOwner.get(owner) ?? new Set()).add(key));
  };

  return {
    async load(key, known) {
      const session = live(key);
      return session && snapshot(session, known);
    },
    async readTurns(key, from, to) {
      const session = live(key);
      return session ? turnsBetween(session, from, to) : [];
    },
    async commit(commit) {
      const current = live(commit.key);
      if (current?.revision !== commit.expected) {
        if (current && isInPlace(current, commit)) return committed;
        return { committed: false, current: current && snapshot(current, commit.known) };
      }
      if (commit.turn && current?.turns.has(commit.turn.sequence)) throw turnSequenceTaken(commit.turn.sequence);
      if (!current || current.fields.owner !== commit.fields.owner) enter(commit);
      sessions.set(commit.key, write(current, commit));
      return committed;
    },
    async remove(key) {
      const existed = live(key) !== undefined;
      forget(key);
      return existed;
    },
    async list(owner, page) {
      refuseWhenClosed();
      const keys = [...(keysOfOwner.get(owner) ?? [])];
      const rows = keys.flatMap((key) => {
        const session = live(key);
        return session ? [rowOf(key, session)] : [];
      });
      return rowsOfPage(rows, page);
    },
    async count(owner, atMost) {
      refuseWhenClosed();
      return Math.min(atMost, [...(keysOfOwner.get(owner) ?? [])].filter(live).length);
    },
    removeOwner: (owner, step = runPiece) =>
      step(async () => {
        refuseWhenClosed();
        const keys = [...(keysOfOwner.get(owner) ?? [])];
        const existed = keys.filter(live).length;
        for (const key of keys) forget(key);
        keysOfOwner.delete(owner);
        return existed;
      }),
    async scan() {
      refuseWhenClosed();
      return { keys: [...sessions.keys()].filter(live) };
    },
  };
}

function write(current: MemorySession | undefined, commit: SessionCommit): MemorySession {
  const slots = current?.slots ?? new Map<string, Buffer>();
  for (const [name, bytes] of commit.slots ?? []) {
    if (bytes) slots.set(name, ownBytes(bytes));
    else slots.delete(name);
  }
  const turns = current?.turns ?? new Map<number, SealedTurn>();
  if (commit.turn) turns.set(commit.turn.sequence, { ...commit.turn, sealed: ownBytes(commit.turn.sealed) });
  return { revision: commit.revision, fields: { ...commit.fields }, head: ownBytes(commit.head), slots, turns };
}

function isInPlace(current: MemorySession, { revision, head, turn }: SessionCommit): boolean {
  if (current.revision !== revision || !current.head.equals(head)) return false;
  return turn === undefined || current.turns.get(turn.sequence)?.id === turn.id;
}

function snapshot(session: MemorySession, known: KnownRevision | undefined): StoredSession {
  const { revision, fields } = session;
  if (known?.revision === revision) return unchangedSession(revision, fields);
  const from = known && isSameIncarnation(known.revision, revision) ? known.sequence + 1 : fields.loadFrom;
  return {
    revision,
    fields,
    head: Buffer.from(session.head),
    slots: new Map([...session.slots].map(([name, bytes]) => [name, Buffer.from(bytes)])),
    turns: turnsBetween(session, from, Infinity),
  };
}

function turnsBetween(session: MemorySession, from: number, to: number): SealedTurn[] {
  const turns = [...session.turns.values()].filter(({ sequence }) => sequence >= from && sequence < to);
  return turns.sort((left, right) => left.sequence - right.sequence).map(copyOf);
}

function copyOf(turn: SealedTurn): SealedTurn {
  return { ...turn, sealed: Buffer.from(turn.sealed) };
}

function rowOf(key: string, { revision, fields, head }: MemorySession): SessionRow {
  return { key, revision, fields, head: Buffer.from(head) };
}

function rowsOfPage(rows: SessionRow[], { limit, order, after }: ListPage): SessionRow[] {
  const direction = order === "asc" ? 1 : -1;
  const place = (row: SessionRow): Place => ({ createdAt: row.fields.createdAt, key: row.key });
  return rows
    .filter((row) => !after || direction * comparePlaces(place(row), after) > 0)
    .sort((left, right) => direction * comparePlaces(place(left), place(right)))
    .slice(0, limit);
}

type Place = NonNullable<ListPage["after"]>;

function comparePlaces(left: Place, right: Place): number {
  return left.createdAt - right.createdAt || Buffer.compare(Buffer.from(left.key), Buffer.from(right.key));
}
