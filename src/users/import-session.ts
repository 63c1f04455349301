import { foldRecordChain } from "../sealing/chain.ts";
import { recordTag } from "../sealing/sealed-record.ts";
import type { SessionSealer } from "../sealing/sealer.ts";
import { type ActiveTurn, appendRecord } from "../session/active-turns.ts";
import { emptyFront, encodeHead, type SessionHead } from "../session/session-head.ts";
import { parseSessionId } from "../session/session-id.ts";
import {
  encodeSummaries,
  encodeSystem,
  encodeWithheld,
  SUMMARY_SLOT,
  SYSTEM_SLOT,
  WITHHELD_SLOT,
} from "../session/slots.ts";
import { encodeTurnRecord } from "../session/turn-record-codec.ts";
import { addWithheld, nothingWithheld } from "../session/withheld.ts";
import type { SessionCommit } from "../store/session-store.ts";
import { freshEpoch } from "../turn/advance-session.ts";
import type { RedactionParts } from "../turn/redact-turn.ts";
import { beginSession, commitBirth, commitTwice, type SessionBirth } from "../turn/session-birth.ts";
import type { SessionLinks } from "../turn/session-links.ts";
import type { TurnPorts } from "../turn/turn-ports.ts";
import { type ImportedSession, recordOf, sessionOf } from "./imported-session.ts";
import type { ReadSession } from "./read-export.ts";
import { redactSummaries, redactSystem, redactTexts, redactTurn } from "./redact-import.ts";

export interface ImportParts extends Pick<TurnPorts, "sessions" | "sealer" | "clock"> {
  readonly links: Pick<SessionLinks, "locate">;
  /** How what comes in is checked; placeholders are named within the session of that key. */
  readonly redaction: (sessionKey: string) => RedactionParts;
  /** Whether the target puts withheld values back; where it does not, they are left out. */
  readonly keepsWithheld: boolean;
  /** No imported session lives longer than this from now on, whatever the export says. */
  readonly maxLifeMs: number;
}

export type ImportOutcome = "imported" | "exists" | "expired" | "not_whole" | "changed_meanwhile" | "erased_meanwhile";

export interface ImportTarget {
  readonly owner: string;
  /** False once the user was erased, whatever he began since. */
  readonly isStillTheirs: () => Promise<boolean>;
}

/**
 * Seals a session of an export under the target's own keys. It appears whole or not for long: until its last turn is
 * written it expires within a minute.
 *
 * @throws GatewayError `invalid_request`, `redaction_failed`, `store_unavailable`
 */
export async function importSession(
  parts: ImportParts,
  target: ImportTarget,
  read: ReadSession,
): Promise<ImportOutcome> {
  const { sessions, clock, links } = parts;
  if (read.problems > 0) return "not_whole";
  if (Date.parse(read.line.expires_at) <= clock()) return "expired";
  const { ref } = await links.locate(target.owner, parseSessionId(read.line.id));
  if (await sessions.load(ref.key)) return "exists";
  const redaction = parts.redaction(ref.key);
  const birth = await beginSession(parts, ref);
  if (!(await target.isStillTheirs())) return "erased_meanwhile";
  const checked = await checkSession(redaction, read, parts.keepsWithheld);
  const sealed = sealRecords(birth.keys, checked.session);
  for (const commit of commits(parts, { birth, sealed, ...checked })) {
    const isFirst = commit.expected === undefined;
    const outcome = await (isFirst ? commitBirth(parts, birth, commit) : commitTwice(sessions, commit));
    if (!outcome.committed) return isFirst && outcome.current ? "exists" : "changed_meanwhile";
  }
  return "imported";
}

interface CheckedSession {
  readonly session: ImportedSession;
  readonly slots: ReadonlyMap<string, Buffer>;
}

async function checkSession(
  redaction: RedactionParts,
  { line, turns }: ReadSession,
  keepsWithheld: boolean,
): Promise<CheckedSession> {
  const records = [];
  for (const turn of turns) records.push(recordOf(await redactTurn(redaction, turn)));
  const summaries = await redactSummaries(redaction, line.slots.summary ?? []);
  const system = await redactSystem(redaction, line.slots.system ?? []);
  const [title = ""] = await redactTexts(redaction, [line.title]);
  const slots = new Map<string, Buffer>();
  if (line.slots.system) slots.set(SYSTEM_SLOT, encodeSystem(system));
  if (line.slots.summary) slots.set(SUMMARY_SLOT, encodeSummaries(summaries));
  if (line.slots.withheld && keepsWithheld)
    slots.set(WITHHELD_SLOT, encodeWithheld(addWithheld(nothingWithheld, new Map(line.slots.withheld))));
  return { session: sessionOf(line, { records, summaries, title }), slots };
}

interface SealedRecord {
  readonly bytes: Buffer;
  readonly chainBefore: string;
  readonly chainAfter: string;
  /** Active turns once it is written. */
  readonly turns: number;
}

function sealRecords(keys: SessionSealer, { records }: ImportedSession): SealedRecord[] {
  let chainBefore = "";
  let active: readonly ActiveTurn[] = [];
  return records.map((record) => {
    const bytes = keys.seal("turn", record.id, encodeTurnRecord(record));
    const chainAfter = foldRecordChain(chainBefore, record.id, bytes);
    active = appendRecord(active, record);
    const sealed = { bytes, chainBefore, chainAfter, turns: active.length };
    chainBefore = chainAfter;
    return sealed;
  });
}

interface CommitParts extends CheckedSession {
  readonly birth: SessionBirth;
  readonly sealed: readonly SealedRecord[];
}

/** What of an import is broken off is gone after this. */
const UNFINISHED_MS = 60_000;

/** One for each turn, as the store takes them; every one leaves a session that opens. */
function* commits({ clock, maxLifeMs }: ImportParts, parts: CommitParts): Generator<SessionCommit> {
  const { birth, session, sealed, slots } = parts;
  const { identity, keys } = birth;
  const last = Math.max(0, sealed.length - 1);
  for (let at = 0; at <= last; at += 1) {
    const [turn, record] = [sealed[at], session.records[at]];
    const isLast = at === last;
    const sealedSlots = isLast ? sealSlots(keys, slots) : undefined;
    const head = isLast ? finalHead(parts, sealedSlots?.tags ?? {}) : unfinishedHead(parts, at);
    yield {
      key: identity.key,
      expected: at === 0 ? undefined : `${identity.incarnation}.${at}`,
      revision: `${identity.incarnation}.${at + 1}`,
      fields: {
        owner: identity.owner,
        createdAt: head.createdAt,
        expiresAt: isLast ? Math.min(session.expiresAt, clock() + maxLifeMs) : clock() + UNFINISHED_MS,
        loadFrom: isLast ? session.loadFrom : 0,
      },
      head: keys.seal("head", "", encodeHead(head)),
      ...(sealedSlots && { slots: sealedSlots.sealed }),
      ...(turn && record && { turn: { sequence: record.sequence, id: record.id, sealed: turn.bytes } }),
    };
  }
}

function sealSlots(keys: SessionSealer, slots: ReadonlyMap<string, Buffer>) {
  const sealed = new Map([...slots].map(([name, bytes]) => [name, keys.seal("slot", name, bytes)]));
  return { sealed, tags: Object.fromEntries([...sealed].map(([name, bytes]) => [name, recordTag(bytes)])) };
}

function finalHead({ session, sealed }: CommitParts, slotTags: Readonly<Record<string, string>>): SessionHead {
  return {
    ...session.head,
    recordChain: sealed.at(-1)?.chainAfter ?? "",
    frontRecordChain: sealed[session.loadFrom]?.chainBefore ?? "",
    slotTags,
  };
}

/** The session as far as it is written, with nothing cut from it yet. */
function unfinishedHead({ session, sealed }: CommitParts, at: number): SessionHead {
  return {
    ...session.head,
    records: at + 1,
    turns: sealed[at]?.turns ?? 0,
    recordChain: sealed[at]?.chainAfter ?? "",
    frontRecordChain: "",
    front: emptyFront,
    epoch: freshEpoch,
    slotTags: {},
  };
}
