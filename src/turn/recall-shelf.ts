import { LRUCache } from "lru-cache";

import { createRecallIndex, type RecallIndex, type RecallTurn, STEMMING } from "../history/recall/recall-index.ts";
import { openTermReader, type TermReader } from "../history/recall/term-reader.ts";
import { takeVectors } from "../history/recall/unit-vectors.ts";
import type { Clock } from "../kit/clock.ts";
import { createKeyedQueue } from "../kit/keyed-queue.ts";
import { createWorkSlices } from "../kit/work-slices.ts";
import type { ActiveTurn } from "../session/active-turns.ts";
import { dropOwned } from "./drop-owned.ts";
import type { OpenedSession } from "./opened-session.ts";
import type { SessionCache } from "./session-cache.ts";

/** A session as a request goes on from it: the active turns that stay, as far as the session holds them. */
export interface KeptSession {
  readonly session: OpenedSession;
  readonly kept: readonly ActiveTurn[];
}

/** Indexes over what sessions said, by storage key. They live here alone: nothing of them is ever written. */
export interface RecallShelf {
  /** Loads the words of all languages, once. */
  reader(): Promise<TermReader>;
  /** The session's index up to the last turn kept; further back turns are read from the store where it lacks them. */
  indexOf(kept: KeptSession): Promise<RecallIndex>;
  /** Brings an index up to date without reading anything, where that can be done. Returns at once, never throws. */
  follow(kept: KeptSession): void;
  /** The same, for those who go on with it; `undefined` where it cannot be done. */
  followed(kept: KeptSession): Promise<RecallIndex | undefined>;
  /** Keeps vectors of an index beside it, by unit. False when it is held no longer. */
  keepVectors(session: OpenedSession, index: RecallIndex, vectors: ReadonlyMap<number, Float32Array>): boolean;
  /** Resolves when everything followed is up to date. */
  idle(): Promise<void>;
  drop(key: string): void;
  /** Drops all that is held of a user. */
  forget(owner: string): void;
}

interface RecallShelfOptions {
  readonly cache: SessionCache;
  readonly clock: Clock;
  readonly maxBytes: number;
  /** A pause as long begins another sitting. */
  readonly episodeGapMs: number;
}

interface Entry {
  readonly owner: string;
  readonly incarnation: string;
  readonly index: RecallIndex;
}

/** People come back within minutes; what lies longer is made again from the store, in some tens of milliseconds. */
const MAX_AGE_MS = 600_000;
const ENTRY_BYTES = 1_000;

export function createRecallShelf({ cache, clock, maxBytes, episodeGapMs }: RecallShelfOptions): RecallShelf {
  const entries = new LRUCache<string, Entry>({
    maxSize: maxBytes,
    sizeCalculation: ({ index }) => ENTRY_BYTES + index.bytes,
    ttl: MAX_AGE_MS,
    ttlResolution: 0,
    perf: { now: clock },
  });
  const queue = createKeyedQueue();
  const following = new Set<Promise<void>>();
  let opening: Promise<TermReader> | undefined;
  const reader = (): Promise<TermReader> => (opening ??= openTermReader());

  const heldFor = ({ ref, incarnation }: OpenedSession): Entry | undefined => {
    const held = entries.get(ref.key);
    return held?.incarnation === incarnation ? held : undefined;
  };

  /** `undefined`: turns are missing that may not be read. */
  async function bring(kept: KeptSession, mayRead: boolean): Promise<RecallIndex | undefined> {
    const { session } = kept;
    const held = heldFor(session);
    let turns = turnsOf(kept);
    if (!leadsTo(held?.index, turns) && turns.first > 0) {
      if (!mayRead) return undefined;
      turns = { first: 0, list: await wholeTranscript(kept) };
    }
    const entry = held && leadsTo(held.index, turns) ? held : fresh(session, await reader());
    entries.set(session.ref.key, entry);
    await addTurns(entry.index, turns);
    if (held && held !== entry) takeVectors(entry.index, held.index);
    // Weighed again, unless its user was erased meanwhile.
    if (entries.get(session.ref.key) === entry) entries.set(session.ref.key, { ...entry });
    return entry.index;
  }

  const fresh = ({ ref, incarnation }: OpenedSession, terms: TermReader): Entry => ({
    owner: ref.owner,
    incarnation,
    index: createRecallIndex(terms, { episodeGapMs }),
  });

  /** What lies before the turns that are held. */
  async function wholeTranscript({ session, kept }: KeptSession): Promise<readonly ActiveTurn[]> {
    const whole = await cache.loadAll(session);
    return [...whole.active.slice(0, session.front.turns), ...kept];
  }

  return {
    reader,
    async indexOf(kept) {
      const index = await queue.run(kept.session.ref.key, () => bring(kept, true));
      if (!index) throw new TypeError("an index that may read everything lacks something");
      return index;
    },
    follow(kept) {
      const work = queue
        .run(kept.session.ref.key, () => bring(kept, false))
        .catch(() => undefined)
        .then(() => void following.delete(work));
      following.add(work);
    },
    followed: (kept) => queue.run(kept.session.ref.key, () => bring(kept, false)),
    keepVectors(session, index, vectors) {
      const held = heldFor(session);
      if (held?.index !== index) return false;
      for (const [unit, vector] of vectors) index.vectors.keep(unit, vector);
      // Weighed again.
      entries.set(session.ref.key, { ...held });
      return true;
    },
    async idle() {
      while (following.size > 0) await Promise.all(following);
    },
    drop: (key) => void entries.delete(key),
    forget: (owner) => dropOwned(entries, owner, (entry) => entry.owner),
  };
}

interface Turns {
  /** Position of the first among the active turns. */
  readonly first: number;
  readonly list: readonly ActiveTurn[];
}

const turnsOf = ({ session, kept }: KeptSession): Turns => ({ first: session.front.turns, list: kept });

/** A turn stands behind the same turns for ever; with the choice that was taken of it, it names the whole transcript. */
const keyOf = ({ record, chosen }: ActiveTurn): string => `${record.id}:${chosen}`;

/** Whether the index is of this transcript, as far as both reach: an edit or another replica may have left it. */
function leadsTo(index: RecallIndex | undefined, { first, list }: Turns): boolean {
  if (!index) return false;
  if (index.turnCount === 0) return first === 0;
  const last = Math.min(index.turnCount, first + list.length) - 1;
  if (last < first) return false;
  const turn = list[last - first];
  return turn !== undefined && index.keyAt(last) === keyOf(turn);
}

async function addTurns(index: RecallIndex, { first, list }: Turns): Promise<void> {
  const slices = createWorkSlices();
  for (const turn of list.slice(Math.max(0, index.turnCount - first))) {
    const added: RecallTurn = { key: keyOf(turn), at: turn.record.at, messages: turn.messages };
    const pause = slices.before(added.messages.reduce((sum, { bytes }) => sum + bytes.length * STEMMING, 0));
    if (pause) await pause;
    await index.add(added);
  }
}
