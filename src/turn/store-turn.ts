import { randomInt } from "node:crypto";

import { GatewayError } from "../errors/gateway-error.ts";
import { appended } from "../kit/appended.ts";
import type { KeyedQueue } from "../kit/keyed-queue.ts";
import { foldRecordChain } from "../sealing/chain.ts";
import { recordTag } from "../sealing/sealed-record.ts";
import type { SessionSealer } from "../sealing/sealer.ts";
import { encodeHead, type SessionHead } from "../session/session-head.ts";
import {
  encodeSummaries,
  encodeSystem,
  encodeWithheld,
  SUMMARY_SLOT,
  SYSTEM_SLOT,
  WITHHELD_SLOT,
} from "../session/slots.ts";
import { encodeTurnRecord } from "../session/turn-record-codec.ts";
import type { TurnRecord } from "../session/turn-record.ts";
import { addWithheld, nothingWithheld, type Withheld } from "../session/withheld.ts";
import type { SessionCommit, SessionFields } from "../store/session-store.ts";
import { type AdvancedSession, advanceSession, needsOlderTurns } from "./advance-session.ts";
import { incarnationOf } from "./open-session.ts";
import {
  knownRevision,
  logBytesOf,
  type OpenedSession,
  recordBytes,
  revisionNumber,
  type SessionRef,
} from "./opened-session.ts";
import { commitBirth, commitTwice, type SessionBirth } from "./session-birth.ts";
import type { SessionCache } from "./session-cache.ts";
import type { TurnDraft } from "./turn-draft.ts";
import type { TurnPorts } from "./turn-ports.ts";

/** A race is won within as many tries as there are writers; this many writers at once are an attack. */
const MAX_CONFLICTS = 64;

export interface StoreTurnParts {
  readonly ports: TurnPorts;
  readonly cache: SessionCache;
  readonly appends: KeyedQueue;
}

export interface TurnToStore {
  readonly ref: SessionRef;
  /** What the turn was planned on; without it the turn begins the session. */
  readonly snapshot: OpenedSession | undefined;
  /** Taken before the model was asked; needed without a snapshot. */
  readonly birth: SessionBirth | undefined;
  readonly draft: TurnDraft;
}

export interface StoredTurn {
  readonly session: OpenedSession;
  /** It waits in the outbox, and only this replica sees it. */
  readonly deferred: boolean;
}

/**
 * Seals a turn once and appends it, rebuilding only the head when another writer was first.
 * `undefined`: the session was removed, or its user erased, while the turn ran; so it stays.
 *
 * @throws GatewayError `store_unavailable`; `record_unreadable` when it cannot be sealed, or what is there not opened
 */
export function storeTurn(parts: StoreTurnParts, turn: TurnToStore): Promise<StoredTurn | undefined> {
  return parts.appends.run(turn.ref.key, () => appendTurn(parts, turn));
}

async function appendTurn(parts: StoreTurnParts, turn: TurnToStore): Promise<StoredTurn | undefined> {
  const { ports, cache } = parts;
  const { ref, snapshot, birth, draft } = turn;
  let base = snapshot && (cache.peek(ref.key, snapshot.incarnation) ?? snapshot);
  let sealed: SealedAttempt | undefined;
  for (let tries = 0; tries < MAX_CONFLICTS; tries += 1) {
    if (base && needsOlderTurns(base, draft)) base = await cache.loadAll(base);
    sealed = sealTurn(ports, turn, { base, before: sealed });
    const { commit, session } = sealed;
    const isBirth = !base && birth !== undefined;
    const outcome = await (isBirth ? commitBirth(ports, birth, commit) : commitTwice(ports.sessions, commit));
    if (outcome.committed) {
      cache.keep(session);
      return { session, deferred: outcome.deferred === true };
    }
    if (!outcome.current) return undefined;
    if (snapshot && incarnationOf(outcome.current.revision) !== snapshot.incarnation) return undefined;
    // Another writer began it. Since an erasure, perhaps: then this turn is from before, and has no place in it.
    if (isBirth && !(await ports.sealer.isCurrent(birth.identity, commit.head))) return undefined;
    base = await cache.reopen(outcome.current, base, ref);
    if (!base) return undefined;
    // A commit whose answer was lost, and behind which another writer went on before it was repeated.
    if (outcome.current.turns.some(({ id }) => id === draft.record.id)) return { session: base, deferred: false };
  }
  throw new GatewayError("session_conflict", "too many writers on one session");
}

interface SealedAttempt {
  readonly record: SealedRecord;
  readonly commit: SessionCommit;
  readonly session: OpenedSession;
}

interface SealBasis {
  readonly base: OpenedSession | undefined;
  /** What an earlier try sealed: its record is good for as long as the session lives the same life. */
  readonly before: SealedAttempt | undefined;
}

/** What could not be sealed is told apart from what a store could not take: the answer is good, only not remembered. */
function sealTurn(ports: TurnPorts, { ref, birth, draft }: TurnToStore, { base, before }: SealBasis): SealedAttempt {
  const { incarnation, keys } = sealerFor(base, birth);
  const advanced = advanceSession(base, draft);
  try {
    const isSealed = before?.record.incarnation === incarnation;
    const record = isSealed ? before.record : sealRecord(keys, incarnation, advanced.record);
    return { record, ...sealSession({ ports, ref, base, draft, advanced, keys, sealed: record }) };
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw new GatewayError("record_unreadable", "the turn could not be sealed", { cause });
  }
}

const sealRecord = (keys: SessionSealer, incarnation: string, record: TurnRecord): SealedRecord => ({
  incarnation,
  bytes: keys.seal("turn", record.id, encodeTurnRecord(record)),
});

function sealerFor(base: OpenedSession | undefined, birth: SessionBirth | undefined) {
  if (base) return { incarnation: base.incarnation, keys: base.sealer };
  if (!birth) throw new TypeError("a turn that begins a session needs its key");
  return { incarnation: birth.identity.incarnation, keys: birth.keys };
}

interface SealedRecord {
  readonly incarnation: string;
  readonly bytes: Buffer;
}

interface SealParts {
  readonly ports: TurnPorts;
  readonly ref: SessionRef;
  readonly base: OpenedSession | undefined;
  readonly draft: TurnDraft;
  readonly advanced: AdvancedSession;
  readonly keys: SessionSealer;
  readonly sealed: SealedRecord;
}

function sealSession(parts: SealParts): { commit: SessionCommit; session: OpenedSession } {
  const { ports, ref, base, advanced, keys, sealed } = parts;
  const { record, loadFrom, active } = advanced;
  const { chainBefore } = record;
  const held = appended(base?.log ?? [], record);
  const left = Math.max(0, loadFrom - (held[0]?.sequence ?? 0));
  const log = left === 0 ? held : held.slice(left);
  const withheld = withheldAfter(parts);
  const slots = sealSlots(parts, withheld);
  const head: SessionHead = {
    ...advanced.head,
    recordChain: foldRecordChain(chainBefore, record.id, sealed.bytes),
    frontRecordChain: log[0]?.chainBefore ?? chainBefore,
    slotTags: slots.tags,
  };
  const passed = head.front.turns - (base?.front.turns ?? 0);
  const revision = nextRevision(base, sealed.incarnation);
  const fields = nextFields(ports, { ref, head, loadFrom });
  const session: OpenedSession = {
    ref,
    incarnation: sealed.incarnation,
    revision,
    fields,
    head,
    sealer: keys,
    log,
    logBytes: (base?.logBytes ?? 0) + recordBytes(record) - logBytesOf(held.slice(0, left)),
    front: head.front,
    active: passed === 0 ? active : active.slice(passed),
    system: parts.draft.system?.messages ?? base?.system ?? [],
    summaries: advanced.summaries,
    withheld,
  };
  const known = knownRevision(base);
  const commit: SessionCommit = {
    key: ref.key,
    expected: base?.revision,
    revision,
    fields,
    head: keys.seal("head", "", encodeHead(head)),
    turn: { sequence: record.sequence, id: record.id, sealed: sealed.bytes },
    slots: slots.sealed,
    ...(known && { known }),
  };
  return { commit, session };
}

function sealSlots({ base, draft, advanced, keys }: SealParts, withheld: Withheld) {
  const tags: Record<string, string> = { ...base?.head.slotTags };
  const sealed = new Map<string, Buffer>();
  const put = (name: string, plaintext: Buffer): void => {
    const bytes = keys.seal("slot", name, plaintext);
    tags[name] = recordTag(bytes);
    sealed.set(name, bytes);
  };
  if (draft.system) put(SYSTEM_SLOT, encodeSystem(draft.system.messages));
  if (!isSame(base?.summaries ?? [], advanced.summaries)) put(SUMMARY_SLOT, encodeSummaries(advanced.summaries));
  if (withheld !== (base?.withheld ?? nothingWithheld)) put(WITHHELD_SLOT, encodeWithheld(withheld));
  return { sealed, tags };
}

/** On top of what another writer may have added meanwhile. */
const withheldAfter = ({ base, draft }: SealParts): Withheld =>
  addWithheld(base?.withheld ?? nothingWithheld, draft.withheld);

const isSame = <T>(left: readonly T[], right: readonly T[]): boolean =>
  left.length === right.length && left.every((item, index) => item === right[index]);

/** How far one revision may lie behind the one before. */
const MAX_STEP = 1 << 20;

/**
 * Numbers grow by steps that nobody can foresee: where a failover loses the newest commit and another is made in its place,
 * the two must not bear one name, or a replica that knew the first would take the second for it.
 */
export function nextRevision(base: OpenedSession | undefined, incarnation: string): string {
  return `${incarnation}.${base ? revisionNumber(base) + randomInt(1, MAX_STEP) : 1}`;
}

export function nextFields(
  { settings: { ttl }, clock }: Pick<TurnPorts, "settings" | "clock">,
  { ref, head, loadFrom }: { ref: SessionRef; head: Pick<SessionHead, "createdAt">; loadFrom: number },
): SessionFields {
  const idleEnd = (ttl.mode === "sliding" ? clock() : head.createdAt) + ttl.idleMs;
  return {
    owner: ref.owner,
    createdAt: head.createdAt,
    expiresAt: Math.min(idleEnd, head.createdAt + ttl.absoluteMs),
    loadFrom,
  };
}
