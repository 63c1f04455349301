import type { EpochState, Summary } from "../history/history-strategy.ts";
import { type RewoundEpoch, rewindEpoch } from "../history/rewind-epoch.ts";
import { type ActiveTurn, appendRecord, transcriptMessages } from "../session/active-turns.ts";
import { foldChain } from "../session/fingerprint.ts";
import { emptyFront, type SessionHead, type SessionTotals, type TranscriptFront } from "../session/session-head.ts";
import { type LogRecord, logRecord, type OpenedSession } from "./opened-session.ts";
import type { EpochChange, TurnDraft } from "./turn-draft.ts";

/** What a turn makes of a session, before it is sealed. */
export interface AdvancedSession {
  readonly head: Omit<SessionHead, "slotTags" | "recordChain" | "frontRecordChain">;
  readonly record: LogRecord;
  readonly active: readonly ActiveTurn[];
  readonly summaries: readonly Summary[];
  /** Sequence of the first record a cold load has to read. */
  readonly loadFrom: number;
}

export const freshEpoch: EpochState = { number: 0, firstTurn: 0, ledger: 0, summaryFailed: false };
export const noTotals: SessionTotals = { baselineTokens: 0, sentTokens: 0, overheadTokens: 0, savedUsd: 0 };

/**
 * Applies a draft to a snapshot. Pure, so that a conflict only means doing it again on the newer snapshot:
 * the ledger counts as a delta, and a new epoch is kept only if the one it was planned on still stands, on the same turns.
 */
export function advanceSession(base: OpenedSession | undefined, draft: TurnDraft): AdvancedSession {
  const held = base?.head;
  const record = logRecord(draft.record, { sequence: held?.records ?? 0, chainBefore: held?.recordChain ?? "" });
  const before = base?.active ?? [];
  const active = appendRecord(before, record);
  const front = base?.front ?? emptyFront;
  const { epoch, summaries } = nextEpoch(base, draft, {
    keep: keptTurns(base, record),
    stands: isLeftOut(front, active, draft.epoch),
  });
  const firstHeld = active[epoch.firstTurn - front.turns];
  const whole = held && goesOn(before, active) ? tally(held, active.slice(-1)) : tally(front, active);
  return {
    record,
    active,
    summaries,
    loadFrom: firstHeld?.record.sequence ?? record.sequence,
    head: {
      // It may have been rotated while the turn ran.
      sessionId: held?.sessionId ?? draft.sessionId,
      rotation: held?.rotation,
      binding: held?.binding ?? draft.binding,
      title: held?.title || draft.title,
      createdAt: held?.createdAt ?? draft.askedAt,
      lastActiveAt: draft.askedAt,
      lastAskedAt: draft.askedAt,
      strategy: held?.strategy,
      records: record.sequence + 1,
      turns: front.turns + active.length,
      messages: whole.messages,
      tokens: whole.tokens,
      front: advanceFront(front, active.slice(0, epoch.firstTurn - front.turns)),
      epoch,
      // Another writer may have learnt meanwhile that clients of this session replay; that is never unlearnt.
      habits: { ...draft.habits, replayed: draft.habits.replayed || (held?.habits.replayed ?? false) },
      systemHash: draft.system?.hash ?? held?.systemHash,
      billing: draft.billing,
      sent: draft.sent,
      totals: addTotals(held?.totals ?? noTotals, draft),
    },
  };
}

/**
 * Whether a draft asks for turns that a cold load leaves out: it goes back behind them, or its epoch begins among them.
 * Where another writer began an epoch meanwhile the draft's own is not kept, so where it begins asks for nothing.
 */
export function needsOlderTurns(base: OpenedSession, { record, epoch: change }: TurnDraft): boolean {
  const { front, active, head, summaries } = base;
  if (front.turns === 0) return false;
  if (record.rewindTo !== undefined && !active.some(({ record: { id } }) => id === record.rewindTo)) return true;
  const { epoch } = rewindEpoch(head.epoch, summaries, keptTurns(base, record));
  const isOwn = epoch.number === change.parent && change.state.firstTurn < front.turns;
  return isOwn || epoch.firstTurn < front.turns;
}

/** Active turns of the base that a record leaves standing. A rewind to a turn that is gone takes nothing away. */
function keptTurns(base: OpenedSession | undefined, { rewindTo }: { rewindTo: string | undefined }): number {
  if (!base) return 0;
  const all = base.head.turns;
  if (rewindTo === undefined) return all;
  if (rewindTo === "") return 0;
  const index = base.active.findIndex(({ record }) => record.id === rewindTo);
  return index < 0 ? all : base.front.turns + index + 1;
}

/** Whether what the planned epoch leaves out is what stands before it: another writer may have rewound it away. */
function isLeftOut(front: TranscriptFront, active: readonly ActiveTurn[], { state, after }: EpochChange): boolean {
  if (state.firstTurn <= front.turns) return true;
  return after !== undefined && active[state.firstTurn - 1 - front.turns]?.record.id === after;
}

function nextEpoch(
  base: OpenedSession | undefined,
  { epoch: change }: TurnDraft,
  { keep, stands }: { keep: number; stands: boolean },
): RewoundEpoch {
  const held = base?.head.epoch ?? freshEpoch;
  return changeEpoch(rewindEpoch(held, base?.summaries ?? [], keep), change, stands);
}

/** What a request's plan makes of the epoch and summaries that stand by now. */
export function changeEpoch(
  survived: RewoundEpoch,
  change: Omit<EpochChange, "cut" | "after">,
  stands: boolean,
): RewoundEpoch {
  const beginsEpoch = change.state.number !== change.parent || change.digest !== undefined;
  if (survived.epoch.number !== change.parent || !beginsEpoch || !stands) {
    return { ...survived, epoch: { ...survived.epoch, ledger: survived.epoch.ledger + change.carried } };
  }
  const all = change.digest ? [...survived.summaries, change.digest] : survived.summaries;
  const { firstTurn } = change.state;
  // Of those that end at the epoch's start or before only the newest is sent: it stands for the others too.
  const own = all.findLast(({ toTurn }) => toTurn <= firstTurn);
  return { epoch: change.state, summaries: all.filter((summary) => summary === own || summary.toTurn > firstTurn) };
}

/** Whether nothing but one turn came: then what the head counts of the others still holds. */
const goesOn = (before: readonly ActiveTurn[], active: readonly ActiveTurn[]): boolean =>
  active.length === before.length + 1 && active.at(-2) === before.at(-1);

function tally(
  front: Pick<TranscriptFront, "messages" | "tokens">,
  turns: readonly ActiveTurn[],
): { messages: number; tokens: number } {
  const messages = transcriptMessages(turns);
  const tokens = messages.reduce((sum, message) => sum + message.tokens, front.tokens);
  return { messages: front.messages + messages.length, tokens };
}

function advanceFront(front: TranscriptFront, turns: readonly ActiveTurn[]): TranscriptFront {
  if (turns.length === 0) return front;
  const printChain = transcriptMessages(turns).reduce((chain, { seen }) => foldChain(chain, seen), front.printChain);
  return { turns: front.turns + turns.length, printChain, ...tally(front, turns) };
}

const addTotals = (totals: SessionTotals, { totals: added }: TurnDraft): SessionTotals => ({
  baselineTokens: totals.baselineTokens + added.baselineTokens,
  sentTokens: totals.sentTokens + added.sentTokens,
  overheadTokens: totals.overheadTokens,
  savedUsd: totals.savedUsd + added.savedUsd,
  wouldSaveUsd:
    added.wouldSaveUsd === undefined ? totals.wouldSaveUsd : (totals.wouldSaveUsd ?? 0) + added.wouldSaveUsd,
});
