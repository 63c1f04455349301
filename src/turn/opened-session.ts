import type { HistoryMessage, Summary } from "../history/history-strategy.ts";
import type { SessionSealer } from "../sealing/sealer.ts";
import type { ActiveTurn } from "../session/active-turns.ts";
import type { SessionHead, TranscriptFront } from "../session/session-head.ts";
import { bytesOfMessages, type TurnRecord } from "../session/turn-record.ts";
import type { Withheld } from "../session/withheld.ts";
import type { SessionFields } from "../store/session-store.ts";

export interface SessionRef {
  /** Storage key: keyed hash over owner and session id. */
  readonly key: string;
  readonly owner: string;
}

/** A record of the log with the running hash over everything before it. */
export interface LogRecord extends TurnRecord {
  readonly chainBefore: string;
}

const stopped = ["stop"] as const;

/** One list for all the many turns that ended as they should. */
const keptReasons = (reasons: TurnRecord["finishReasons"]): TurnRecord["finishReasons"] =>
  reasons.length === 1 && reasons[0] === "stop" ? stopped : reasons;

type Place = Pick<LogRecord, "sequence" | "chainBefore">;

/** Written out: what is kept as long as its session takes the least room in this form. */
export const logRecord = (record: Omit<TurnRecord, "sequence">, { sequence, chainBefore }: Place): LogRecord => ({
  id: record.id,
  sequence,
  chainBefore,
  at: record.at,
  status: record.status,
  model: record.model,
  rewindTo: record.rewindTo,
  previousChoice: record.previousChoice,
  messages: record.messages,
  answers: record.answers,
  finishReasons: keptReasons(record.finishReasons),
  usage: record.usage,
  requestHash: record.requestHash,
  idempotencyHash: record.idempotencyHash,
});

/** A snapshot of a session in clear, immutable: every commit makes the next one. Never leaves this process. */
export interface OpenedSession {
  readonly ref: SessionRef;
  readonly incarnation: string;
  readonly revision: string;
  readonly fields: SessionFields;
  readonly head: SessionHead;
  readonly sealer: SessionSealer;
  /** Records held, in order, without a gap up to the newest. */
  readonly log: readonly LogRecord[];
  /** What the records held weigh in memory, as `recordBytes` estimates it. */
  readonly logBytes: number;
  /** What lies before `active[0]`. */
  readonly front: TranscriptFront;
  readonly active: readonly ActiveTurn[];
  readonly system: readonly HistoryMessage[];
  readonly summaries: readonly Summary[];
  /** Empty unless the configuration has values put back. */
  readonly withheld: Withheld;
}

/**
 * What a turn weighs besides its text: objects, strings, keys. In a heap snapshot 1,200 bytes for one that was stored by
 * this process, 1,900 for one that was read from the store, which keeps all it was read from.
 */
const RECORD_BYTES = 2_000;

export const recordBytes = ({ messages, answers }: Pick<TurnRecord, "messages" | "answers">): number =>
  RECORD_BYTES + bytesOfMessages(messages) + bytesOfMessages(answers);

export const logBytesOf = (log: readonly TurnRecord[]): number =>
  log.reduce((bytes, record) => bytes + recordBytes(record), 0);

/** The highest sequence held; -1 for an empty log. */
export const lastSequence = (session: OpenedSession): number => session.head.records - 1;

export const knownRevision = (session: OpenedSession | undefined) =>
  session && { revision: session.revision, sequence: lastSequence(session) };

/** Sequence of the first record held, or of the next one when none is. */
export const firstSequence = (session: OpenedSession): number => session.log[0]?.sequence ?? session.head.records;

/** Grows with every commit of this life of the session. */
export const revisionNumber = ({ revision }: Pick<OpenedSession, "revision">): number =>
  Number(revision.slice(revision.indexOf(".") + 1));
