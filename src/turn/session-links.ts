import { LRUCache } from "lru-cache";

import { type Awaitable, andThen } from "../kit/awaitable.ts";
import type { Clock } from "../kit/clock.ts";
import type { KeyedHash } from "../sealing/keyed-hash.ts";
import type { RecordSealer } from "../sealing/record-sealer.ts";
import type { RecordStore } from "../store/record-store.ts";
import type { OpenedSession, SessionRef } from "./opened-session.ts";

/** Where a session rests. */
export interface SessionPlace {
  readonly ref: SessionRef;
  /** The life of the session that a link was made for; `undefined` for a session that rests under its own name. */
  readonly incarnation: string | undefined;
}

/**
 * A rotated session stays where it is, and its new id is a link to it: moving would mean to seal every record anew.
 * Links are sealed records that last as long as the session may live.
 */
export interface SessionLinks {
  /** One small read for an id that a rotation could have made, none for any other. @throws `store_unavailable` */
  locate(owner: string, sessionId: string): Awaitable<SessionPlace>;
  /** The id that follows the session's present one: the same for all who rotate it at once, and nobody else can guess it. */
  successorOf(session: OpenedSession): string;
  /** Idempotent. */
  link(session: OpenedSession, sessionId: string, expiresAt: number): Promise<void>;
  /** For a session that was gone before it took the id: an erasure may have looked for links by then. */
  unlink(session: OpenedSession, sessionId: string): Promise<void>;
  /** Drops what is held here of a user; what rests is for `linksOf`. */
  forget(owner: string): void;
}

interface SessionLinksOptions {
  readonly records: RecordStore;
  readonly recordSealer: RecordSealer;
  readonly keyedHash: KeyedHash;
  readonly clock: Clock;
}

interface LinkTarget {
  readonly key: string;
  readonly incarnation: string;
}

/** A mark and 256 bits: clients rarely name their sessions like that, and pay one read when they do. */
const SUCCESSOR_ID = /^r[\w-]{43}$/;
const MAX_REMEMBERED = 10_000;
const REMEMBERED_MS = 60_000;

/** Every link of an owner starts with this, so that an erasure finds them. */
export const linksOf = (owner: string): string => `session-link:${owner}:`;

export function createSessionLinks({ records, recordSealer, keyedHash, clock }: SessionLinksOptions): SessionLinks {
  const known = new LRUCache<string, LinkTarget>({ max: MAX_REMEMBERED, ttl: REMEMBERED_MS, perf: { now: clock } });
  const nameOf = (owner: string, sessionId: string): string =>
    linksOf(owner) + keyedHash.hash("session", owner, sessionId);

  const read = async (name: string): Promise<LinkTarget | undefined> => {
    const held = known.get(name);
    if (held) return held;
    const sealed = await records.read(name);
    if (!sealed) return undefined;
    const target = JSON.parse(recordSealer.open(name, sealed).toString("utf8")) as LinkTarget;
    known.set(name, target);
    return target;
  };

  return {
    locate(owner, sessionId) {
      const linked = SUCCESSOR_ID.test(sessionId) ? read(nameOf(owner, sessionId)) : undefined;
      return andThen(linked, (target) => {
        const key = target?.key ?? keyedHash.hash("session", owner, sessionId);
        return { ref: { key, owner }, incarnation: target?.incarnation };
      });
    },
    successorOf({ ref, incarnation, head }) {
      const generation = (head.rotation?.generation ?? 0) + 1;
      return `r${keyedHash.hash("successor", ref.key, incarnation, String(generation))}`;
    },
    async link({ ref, incarnation }, sessionId, expiresAt) {
      const name = nameOf(ref.owner, sessionId);
      const target: LinkTarget = { key: ref.key, incarnation };
      await records.putIfAbsent(name, recordSealer.seal(name, Buffer.from(JSON.stringify(target))), expiresAt);
    },
    unlink: async ({ ref }, sessionId) => void (await records.remove(nameOf(ref.owner, sessionId))),
    forget(owner) {
      for (const name of known.keys()) if (name.startsWith(linksOf(owner))) known.delete(name);
    },
  };
}
