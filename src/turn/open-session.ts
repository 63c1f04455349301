import { GatewayError } from "../errors/gateway-error.ts";
import { createWorkSlices, sliceFor } from "../kit/work-slices.ts";
import { foldRecordChain } from "../sealing/chain.ts";
import { recordTag } from "../sealing/sealed-record.ts";
import type { Sealer, SessionSealer } from "../sealing/sealer.ts";
import { activeTurns } from "../session/active-turns.ts";
import { decodeHead, emptyFront, type SessionHead } from "../session/session-head.ts";
import {
  decodeSummaries,
  decodeSystem,
  decodeWithheld,
  SUMMARY_SLOT,
  SYSTEM_SLOT,
  WITHHELD_SLOT,
} from "../session/slots.ts";
import { decodeTurnRecord } from "../session/turn-record-codec.ts";
import type { SealedTurn, StoredSession } from "../store/session-store.ts";
import { logBytesOf, type LogRecord, logRecord, type OpenedSession, type SessionRef } from "./opened-session.ts";

export const incarnationOf = (revision: string): string => revision.slice(0, revision.indexOf("."));

/**
 * Opens what the store returned. With `base`, an earlier snapshot, only what came since is decrypted.
 *
 * @throws GatewayError `record_unreadable` when a record was removed, reordered, swapped or altered
 */
export async function openSession(
  sealer: Sealer,
  ref: SessionRef,
  { stored, base }: { stored: StoredSession; base: OpenedSession | undefined },
): Promise<OpenedSession> {
  if (!stored.head) {
    if (base?.revision !== stored.revision) throw broken("a snapshot without a head");
    return base;
  }
  const incarnation = incarnationOf(stored.revision);
  const known = base?.incarnation === incarnation ? base : undefined;
  const keys = await sealer.forSession({ ...ref, incarnation });
  const head = decodeHead(keys.open("head", "", stored.head));
  const since = known ? stored.turns.filter(({ sequence }) => sequence >= known.head.records) : stored.turns;
  const { log, chain } = await openLog(keys, since, known?.head.recordChain ?? head.frontRecordChain);
  if (chain !== head.recordChain) throw broken("the chain of records does not close");
  const slots = openSlots(keys, stored, head);
  const front = known?.front ?? head.front;
  const active = activeTurns(log, known?.active);
  // Another replica may have rewound to a turn that is not held here.
  if (front.turns + active.length !== head.turns) throw broken("the held turns do not lead to the stored ones");
  return {
    ref,
    incarnation,
    revision: stored.revision,
    fields: stored.fields,
    head,
    sealer: keys,
    log: known ? [...known.log, ...log] : log,
    logBytes: (known?.logBytes ?? 0) + logBytesOf(log),
    front,
    active,
    system: decodeSystem(slots.get(SYSTEM_SLOT)),
    summaries: decodeSummaries(slots.get(SUMMARY_SLOT)),
    withheld: decodeWithheld(slots.get(WITHHELD_SLOT)),
  };
}

/** The same session with every turn of its log: for edits far back, for strategies that send all, for reading it out. */
export async function withOlderTurns(session: OpenedSession, older: readonly SealedTurn[]): Promise<OpenedSession> {
  const { log: front, chain } = await openLog(session.sealer, older, "");
  if (chain !== (session.log[0]?.chainBefore ?? session.head.recordChain)) throw broken("older records are missing");
  const log = [...front, ...session.log];
  return {
    ...session,
    log,
    logBytes: session.logBytes + logBytesOf(front),
    front: emptyFront,
    active: activeTurns(log),
  };
}

/** Of opening a record, whatever it holds: as long as opening so many bytes more of it takes. */
const OPENING_BYTES = 1_000;

/** In slices: a long session must not hold up all others while it is opened. */
async function openLog(
  keys: SessionSealer,
  turns: readonly SealedTurn[],
  chainBefore: string,
): Promise<{ log: LogRecord[]; chain: string }> {
  const slices = createWorkSlices();
  const log: LogRecord[] = [];
  let chain = chainBefore;
  let bytes = 0;
  for (const { id, sequence, sealed } of turns) {
    const cost = sealed.length + OPENING_BYTES;
    bytes += cost;
    const pause = slices.before(cost);
    if (pause) await pause;
    const record = decodeTurnRecord(keys.open("turn", id, sealed), { id, sequence });
    log.push(logRecord(record, { sequence, chainBefore: chain }));
    chain = foldRecordChain(chain, id, sealed);
  }
  // What is done with all of them is long as well.
  const pause = sliceFor(bytes);
  if (pause) await pause;
  return { log, chain };
}

function openSlots(keys: SessionSealer, stored: StoredSession, head: SessionHead): Map<string, Buffer> {
  return new Map(
    Object.entries(head.slotTags).map(([name, tag]) => {
      const sealed = stored.slots.get(name);
      if (!sealed || recordTag(sealed) !== tag) throw broken(`slot ${name} is not the one the head knows`);
      return [name, keys.open("slot", name, sealed)];
    }),
  );
}

const broken = (what: string): GatewayError => new GatewayError("record_unreadable", what);
