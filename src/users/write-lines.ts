import { toBuffer } from "../kit/held-bytes.ts";
import type { Usage } from "../protocol/chat-message.ts";
import {
  EXPORT_VERSION,
  type ExportEnd,
  type ExportHeader,
  type ProblemLine,
  type SessionLine,
  type TurnLine,
} from "../protocol/export-lines.ts";
import type { SessionHead } from "../session/session-head.ts";
import type { StoredMessage, TurnRecord } from "../session/turn-record.ts";

/** A line of an export with its newline, and what it counts as. */
export interface ExportLine {
  readonly object: "session" | "turn" | "problem";
  readonly bytes: Buffer;
}

export const headerLine = (user: string, now: number): Buffer =>
  encode({ object: "export", version: EXPORT_VERSION, created_at: isoTime(now), user } satisfies ExportHeader);

export const endLine = (end: Omit<ExportEnd, "object">): Buffer =>
  encode({ object: "export.end", ...end } satisfies ExportEnd);

export function sessionLine(
  head: SessionHead,
  { expiresAt, slots }: { expiresAt: number; slots: Readonly<Record<string, unknown>> },
): ExportLine {
  const { epoch, habits, billing, totals } = head;
  const line: Omit<SessionLine, "slots"> & { readonly slots: object } = {
    object: "session",
    id: head.sessionId,
    title: head.title,
    created_at: isoTime(head.createdAt),
    last_active_at: isoTime(head.lastActiveAt),
    last_asked_at: head.lastAskedAt === undefined ? undefined : isoTime(head.lastAskedAt),
    expires_at: isoTime(expiresAt),
    strategy: head.strategy,
    turns: head.records,
    state: {
      epoch,
      habits: { preamble: habits.preamble, replayed: habits.replayed },
      billing,
      totals,
    },
    slots,
  };
  return { object: "session", bytes: encode(line) };
}

/**
 * Hashes of what the client sent stay out, of requests and of system messages: they are of the text before redaction, and
 * who has the rest of it could try what was taken out.
 *
 * Messages go in as the bytes they are: they need not be parsed, and come out of an import as they were.
 */
export function turnLine(record: TurnRecord): ExportLine {
  const all = [...record.messages, ...record.answers];
  const isRedacted = all.some(({ seen, stored }) => seen !== stored);
  const line: Omit<TurnLine, "messages"> = {
    object: "turn",
    sequence: record.sequence,
    id: record.id,
    at: isoTime(record.at),
    status: record.status,
    model: record.model,
    rewind_to: record.rewindTo,
    previous_choice: record.previousChoice,
    answers: record.answers.length,
    tokens: all.map(({ tokens }) => tokens),
    seen: isRedacted ? all.map(({ seen, stored }) => (seen === stored ? null : seen)) : undefined,
    finish_reasons: [...record.finishReasons],
    usage: record.usage && usageLine(record.usage),
  };
  const front = JSON.stringify(line).slice(0, -1);
  const messages = all.flatMap((message, index) => [Buffer.from(index === 0 ? "" : ","), oneLine(message)]);
  return {
    object: "turn",
    bytes: Buffer.concat([Buffer.from(`${front},"messages":[`), ...messages, Buffer.from("]}\n")]),
  };
}

export const problemLine = (session: string | null, what: string, sequence?: number): ExportLine => ({
  object: "problem",
  bytes: encode({ object: "problem", session, what, sequence } satisfies ProblemLine),
});

/** Between its strings JSON may be broken into lines; inside them it never is. */
const oneLine = ({ bytes }: StoredMessage): Buffer =>
  bytes.includes("\n") || bytes.includes("\r")
    ? Buffer.from(JSON.stringify(JSON.parse(bytes.toString("utf8"))))
    : toBuffer(bytes);

const usageLine = (usage: Usage) => ({
  prompt_tokens: usage.promptTokens,
  completion_tokens: usage.completionTokens,
  text_tokens: usage.textTokens,
  cached_tokens: usage.cachedTokens,
  cache_write_tokens: usage.cacheWriteTokens,
});

const isoTime = (milliseconds: number): string => new Date(milliseconds).toISOString();

const encode = (line: object): Buffer => Buffer.from(`${JSON.stringify(line)}\n`);
