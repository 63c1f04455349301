import { hasCode } from "../errors/gateway-error.ts";
import { foldRecordChain } from "../sealing/chain.ts";
import { recordTag } from "../sealing/sealed-record.ts";
import type { Sealer, SessionSealer } from "../sealing/sealer.ts";
import { decodeHead, type SessionHead } from "../session/session-head.ts";
import { decodeTurnRecord } from "../session/turn-record-codec.ts";
import type { SealedTurn, SessionRow, SessionStore, StoredSession } from "../store/session-store.ts";
import { incarnationOf } from "../turn/open-session.ts";
import { type ExportLine, problemLine, sessionLine, turnLine } from "./write-lines.ts";

export interface SessionReading {
  readonly sessions: SessionStore;
  readonly sealer: Sealer;
}

/**
 * One session as lines: itself, then its whole log. What cannot be opened becomes a problem; the rest is there all the
 * same. Nothing for a session that is gone by now.
 */
export async function* exportSession(reading: SessionReading, row: SessionRow): AsyncGenerator<ExportLine, void> {
  const stored = await loadWithoutTurns(reading, row);
  if (!stored) return;
  const opened = await openHead(reading, { row, stored });
  if (!opened) {
    yield problemLine(null, "a session cannot be opened");
    return;
  }
  const { head } = opened;
  const { slots, broken } = openSlots(opened, stored);
  yield sessionLine(head, { expiresAt: stored.fields.expiresAt, slots });
  for (const name of broken) yield problemLine(head.sessionId, `the slot ${name} cannot be opened`);
  yield* exportTurns(reading.sessions, row.key, opened);
}

/** No commit has this number and no log so many turns, so head and slots come back alone. */
const NEVER_COMMITTED = 0;
const BEYOND_EVERY_TURN = 2 ** 31;

function loadWithoutTurns(
  { sessions }: SessionReading,
  { key, revision }: SessionRow,
): Promise<StoredSession | undefined> {
  return sessions.load(key, {
    revision: `${incarnationOf(revision)}.${NEVER_COMMITTED}`,
    sequence: BEYOND_EVERY_TURN,
  });
}

interface OpenedHead {
  readonly keys: SessionSealer;
  readonly head: SessionHead;
}

async function openHead(
  { sealer }: SessionReading,
  { row: { key, fields }, stored }: { row: SessionRow; stored: StoredSession },
): Promise<OpenedHead | undefined> {
  const incarnation = incarnationOf(stored.revision);
  return readable(async () => {
    const keys = await sealer.forSession({ owner: fields.owner, key, incarnation });
    return { keys, head: decodeHead(keys.open("head", "", stored.head ?? Buffer.alloc(0))) };
  });
}

function openSlots({ keys, head }: OpenedHead, stored: StoredSession) {
  const slots: Record<string, unknown> = {};
  const broken: string[] = [];
  for (const [name, tag] of Object.entries(head.slotTags)) {
    const sealed = stored.slots.get(name);
    try {
      if (!sealed || recordTag(sealed) !== tag) broken.push(name);
      else slots[name] = JSON.parse(keys.open("slot", name, sealed).toString("utf8"));
    } catch {
      broken.push(name);
    }
  }
  return { slots, broken };
}

const RANGE_BYTES = 1 << 20;
const MAX_RANGE = 256;

/** Ranges grow while turns are small: about a megabyte is held, or a single turn. */
async function* exportTurns(sessions: SessionStore, key: string, opened: OpenedHead): AsyncGenerator<ExportLine, void> {
  const { records, recordChain, sessionId } = opened.head;
  let chain = "";
  let from = 0;
  let range = 1;
  while (from < records) {
    const to = Math.min(records, from + range);
    const turns = await sessions.readTurns(key, from, to);
    for (const turn of turns) {
      if (turn.sequence > from) yield problemLine(sessionId, "turns are missing", from);
      from = turn.sequence + 1;
      const line = await readable(async () => {
        chain = foldRecordChain(chain, turn.id, turn.sealed);
        return openTurn(opened, turn);
      });
      yield line ?? problemLine(sessionId, "a turn cannot be opened", turn.sequence);
    }
    if (from < to) yield problemLine(sessionId, "turns are missing", from);
    from = to;
    const bytes = turns.reduce((sum, { sealed }) => sum + sealed.length, 0);
    range = bytes > RANGE_BYTES ? Math.max(1, range >> 1) : Math.min(MAX_RANGE, range * 2);
  }
  if (chain !== recordChain) yield problemLine(sessionId, "turns were lost, exchanged or reordered");
}

const openTurn = ({ keys }: OpenedHead, { id, sequence, sealed }: SealedTurn): ExportLine =>
  turnLine(decodeTurnRecord(keys.open("turn", id, sealed), { id, sequence }));

/** `undefined` for what was damaged; an outage is none of that and rejects. */
async function readable<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!hasCode(error, "record_unreadable")) throw error;
    return undefined;
  }
}
