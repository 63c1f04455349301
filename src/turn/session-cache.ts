import { LRUCache } from "lru-cache";

import type { AuditLog } from "../audit/audit-log.ts";
import type { Clock } from "../kit/clock.ts";
import type { Log } from "../kit/log.ts";
import { nextSlice } from "../kit/slice-queue.ts";
import type { Sealer } from "../sealing/sealer.ts";
import { bytesOfMessages } from "../session/turn-record.ts";
import type { SealedTurn, SessionStore, StoredSession } from "../store/session-store.ts";
import { dropOwned } from "./drop-owned.ts";
import { incarnationOf, openSession, withOlderTurns } from "./open-session.ts";
import { firstSequence, knownRevision, type OpenedSession, revisionNumber, type SessionRef } from "./opened-session.ts";
import { isUnreadable, type TellUnreadable } from "./unreadable-sessions.ts";

interface SessionCacheOptions {
  readonly sessions: SessionStore;
  readonly sealer: Sealer;
  readonly audit: AuditLog;
  readonly tellUnreadable: TellUnreadable;
  readonly clock: Clock;
  readonly log: Log;
  readonly maxBytes: number;
}

/** Opened sessions by storage key. A hot session costs one small load and no decryption. */
export interface SessionCache {
  /** One round trip. `undefined`: never written, expired or removed. */
  load(ref: SessionRef): Promise<OpenedSession | undefined>;
  /** The same snapshot with every turn since the first. */
  loadAll(session: OpenedSession): Promise<OpenedSession>;
  /** What the store said after a conflict, opened on top of what is held. */
  reopen(stored: StoredSession, base: OpenedSession | undefined, ref: SessionRef): Promise<OpenedSession | undefined>;
  /** What is held of this life of the session, perhaps newer than a caller's snapshot. No I/O. */
  peek(key: string, incarnation: string): OpenedSession | undefined;
  keep(session: OpenedSession): void;
  drop(key: string): void;
  /** Drops all that is held of a user. */
  forget(owner: string): void;
}

/** An opened session that no turn has renewed for this long is dropped: erasure and expiry reach every replica. */
const MAX_AGE_MS = 60_000;
/** What a session weighs besides its turns and texts: 1,600 bytes in a heap snapshot, and its keys outside of the heap. */
const ENTRY_BYTES = 3_000;

export function createSessionCache(options: SessionCacheOptions): SessionCache {
  const { sessions, sealer, audit, tellUnreadable, clock, log, maxBytes } = options;
  const opened = new LRUCache<string, OpenedSession>({
    maxSize: maxBytes,
    sizeCalculation: sizeOf,
    ttl: MAX_AGE_MS,
    perf: { now: clock },
  });
  const keep = (session: OpenedSession): OpenedSession => {
    const held = opened.peek(session.ref.key);
    // A load that was overtaken by a commit must not bring the older snapshot back.
    if (!held || held.incarnation !== session.incarnation || revisionNumber(held) <= revisionNumber(session)) {
      opened.set(session.ref.key, session);
    }
    return session;
  };
  const noteUnreadable =
    (ref: SessionRef) =>
    (error: unknown): never => {
      if (isUnreadable(error)) tellUnreadable(ref);
      throw error;
    };
  const open = async (ref: SessionRef, stored: StoredSession, base: OpenedSession | undefined) =>
    keep(await openSession(sealer, ref, { stored, base }));
  /** What is held may not lead to what is stored: a replica rewound far back, a store was restored. Then all is read anew. */
  const openOnto = async (ref: SessionRef, stored: StoredSession, base: OpenedSession | undefined) => {
    if (!base) return open(ref, stored, undefined);
    if (isEarlier(stored, base)) {
      log.error({}, "a session went back to an earlier revision: its store was restored or tampered with");
      opened.delete(ref.key);
    }
    try {
      return await open(ref, stored, base);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      opened.delete(ref.key);
      const whole = await sessions.load(ref.key);
      return whole && (await open(ref, whole, undefined));
    }
  };
  return {
    async load(ref) {
      const base = opened.get(ref.key);
      const stored = await sessions.load(ref.key, knownRevision(base));
      if (stored && base && isUnchanged(stored, base)) return base;
      if (stored) return openOnto(ref, stored, base).catch(noteUnreadable(ref));
      opened.delete(ref.key);
      // Who removed a session has said so; one that ran out goes silently, unless somebody comes back to it in time.
      if (base && base.fields.expiresAt <= clock()) audit.record({ event: "session_expired", owner: ref.owner });
      return undefined;
    },
    async loadAll(session) {
      const { key } = session.ref;
      const from = firstSequence(session);
      if (from === 0) return session;
      const opening = readOlder(sessions, key, from).then((older) => withOlderTurns(session, older));
      return opening.catch(noteUnreadable(session.ref));
    },
    reopen: (stored, base, ref) => openOnto(ref, stored, base).catch(noteUnreadable(ref)),
    peek(key, incarnation) {
      const held = opened.peek(key);
      return held?.incarnation === incarnation ? held : undefined;
    },
    keep: (session) => void keep(session),
    drop: (key) => void opened.delete(key),
    forget: (owner) => dropOwned(opened, owner, ({ ref }) => ref.owner),
  };
}

/** Turns read at once: a store in this process reads them without a pause. */
const READ_AT_ONCE = 500;

async function readOlder(sessions: SessionStore, key: string, to: number): Promise<SealedTurn[]> {
  const older: SealedTurn[] = [];
  for (let from = 0; from < to; from += READ_AT_ONCE) {
    if (from > 0) await nextSlice();
    older.push(...(await sessions.readTurns(key, from, Math.min(to, from + READ_AT_ONCE))));
  }
  return older;
}
/** The store had nothing to add to what is held. */
const isUnchanged = (stored: StoredSession, base: OpenedSession): boolean =>
  stored.head === undefined && stored.revision === base.revision;

/** A load answers with what was stored when it began or later, so of one life it never finds less than was known. */
const isEarlier = (stored: StoredSession, base: OpenedSession): boolean =>
  incarnationOf(stored.revision) === base.incarnation && revisionNumber(stored) < revisionNumber(base);

function sizeOf({ logBytes, system, withheld }: OpenedSession): number {
  let bytes = ENTRY_BYTES + logBytes + bytesOfMessages(system);
  for (const [standIn, value] of withheld) bytes += standIn.length + value.length;
  return bytes;
}
