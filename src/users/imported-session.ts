import { GatewayError } from "../errors/gateway-error.ts";
import { strategyNames, type Summary } from "../history/history-strategy.ts";
import type { Usage } from "../protocol/chat-message.ts";
import type { SessionLine, TurnLine } from "../protocol/export-lines.ts";
import { type ActiveTurn, activeTurns, transcriptMessages } from "../session/active-turns.ts";
import { foldChain } from "../session/fingerprint.ts";
import { emptyFront, type SessionHead, type TranscriptFront } from "../session/session-head.ts";
import type { StoredMessage, TurnRecord } from "../session/turn-record.ts";

/** A session as it is to be sealed; what only follows from the sealed records is not in it yet. */
export interface ImportedSession {
  readonly records: readonly TurnRecord[];
  readonly head: Omit<SessionHead, "recordChain" | "frontRecordChain" | "slotTags">;
  readonly loadFrom: number;
  readonly expiresAt: number;
}

export interface ImportedRecord {
  readonly line: TurnLine;
  readonly messages: readonly StoredMessage[];
  readonly answers: readonly StoredMessage[];
}

export function recordOf({ line, messages, answers }: ImportedRecord): TurnRecord {
  return {
    id: line.id,
    sequence: line.sequence,
    at: Date.parse(line.at),
    status: line.status,
    model: line.model,
    rewindTo: line.rewind_to,
    previousChoice: line.previous_choice,
    messages,
    answers,
    finishReasons: line.finish_reasons,
    usage: line.usage && usageOf(line.usage),
    // Not in an export: a retry of a turn from before is a turn of its own.
    requestHash: "",
    idempotencyHash: undefined,
  };
}

/**
 * What the exported session's head was, worked out anew from its records: counts and chains follow from them, and a chain
 * over fingerprints only holds under the root secret that made them.
 *
 * @throws GatewayError `invalid_request` when the line's state does not fit its turns
 */
export function sessionOf(
  line: SessionLine,
  { records, summaries, title }: { records: readonly TurnRecord[]; summaries: readonly Summary[]; title: string },
): ImportedSession {
  const active = activeTurns(records);
  const { epoch, habits, billing, totals } = line.state;
  const firstHeld = active[epoch.firstTurn]?.record.sequence ?? 0;
  const front = active.slice(0, epoch.firstTurn);
  const isConsistent =
    Date.parse(line.created_at) >= 0 &&
    (epoch.firstTurn === 0 || epoch.firstTurn < active.length) &&
    summaries.every(({ toTurn }) => toTurn <= active.length) &&
    front.length + activeTurns(records.slice(firstHeld)).length === active.length;
  if (!isConsistent) throw new GatewayError("invalid_request", "the session's state does not fit its turns");
  const messages = transcriptMessages(active);
  const preamble = messages.slice(0, habits.preamble);
  return {
    records,
    loadFrom: firstHeld,
    expiresAt: Date.parse(line.expires_at),
    head: {
      sessionId: line.id,
      title,
      createdAt: Date.parse(line.created_at),
      lastActiveAt: Date.parse(line.last_active_at),
      lastAskedAt: line.last_asked_at === undefined ? undefined : Date.parse(line.last_asked_at),
      strategy: strategyNames.find((name) => name === line.strategy),
      records: records.length,
      turns: active.length,
      messages: messages.length,
      tokens: tokensOf(messages),
      front: frontOf(front),
      epoch,
      habits: { ...habits, preambleChain: chainOf(preamble) },
      systemHash: undefined,
      billing,
      totals,
    },
  };
}

function frontOf(turns: readonly ActiveTurn[]): TranscriptFront {
  const messages = transcriptMessages(turns);
  return turns.length === 0
    ? emptyFront
    : { turns: turns.length, messages: messages.length, tokens: tokensOf(messages), printChain: chainOf(messages) };
}

const chainOf = (messages: readonly StoredMessage[]): string =>
  messages.reduce((chain, { seen }) => foldChain(chain, seen), "");

const tokensOf = (messages: readonly StoredMessage[]): number => messages.reduce((sum, { tokens }) => sum + tokens, 0);

const usageOf = (usage: NonNullable<TurnLine["usage"]>): Usage => ({
  promptTokens: usage.prompt_tokens,
  completionTokens: usage.completion_tokens,
  textTokens: usage.text_tokens,
  cachedTokens: usage.cached_tokens,
  cacheWriteTokens: usage.cache_write_tokens,
});
