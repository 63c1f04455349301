import type { Bytes } from "../kit/held-bytes.ts";
import type { ChatMessage } from "../protocol/chat-message.ts";
import { readSignal, splitEvents } from "../protocol/sse-event.ts";
import { restoreAnswer, restoreMessage } from "../redaction/restore-answer.ts";
import { restoreStream } from "../redaction/restore-stream.ts";
import type { ActiveTurn } from "../session/active-turns.ts";
import type { TurnRecord } from "../session/turn-record.ts";
import { nothingWithheld, type Withheld } from "../session/withheld.ts";
import type { KeptAnswer } from "./answer-cache.ts";
import type { OpenedSession } from "./opened-session.ts";
import { responseHeaders } from "./relay-answer.ts";
import type { TurnScope } from "./turn-scope.ts";

/** A request that was answered before, and the session it belongs to. */
export interface AnsweredBefore {
  readonly session: OpenedSession;
  readonly answered: ActiveTurn;
}

/** Answers a repeated request from what is stored: no model is asked, nothing is stored again. */
export function answerAgain({ ring, request, client }: TurnScope, { session, answered }: AnsweredBefore): void {
  const { record } = answered;
  const withheld = ring.ports.settings.withholding.restores ? session.withheld : nothingWithheld;
  const kept = ring.answers.find(record.id);
  const sameForm = kept && (kept.form === "stream") === request.chat.stream;
  const headers = {
    "x-session-id": session.head.sessionId,
    "x-session-turn": String(record.sequence + 1),
    "x-history-mode": "replay",
    "x-stategate-repeat": "true",
    ...(!sameForm && { "x-session-degraded": "stored_form" }),
  };
  if (sameForm) {
    const bytes = keptBytes(kept, withheld, request.chat.includeUsage);
    client.writeHead(kept.head.status, responseHeaders(kept.head, headers, { form: kept.form, size: bytes.length }));
    client.end(bytes);
    return;
  }
  ring.ports.meter.degraded("stored_form");
  const type = request.chat.stream ? "text/event-stream; charset=utf-8" : "application/json";
  client.writeHead(200, { "content-type": type, ...headers });
  const { stream, includeUsage } = request.chat;
  const answers = record.answers.map(({ bytes }) => restoreMessage(messageOf(bytes), withheld));
  client.end(stream ? storedStream(record, answers, includeUsage) : JSON.stringify(storedCompletion(record, answers)));
}

function keptBytes({ form, bytes }: KeptAnswer, withheld: Withheld, includeUsage: boolean): Buffer {
  if (form === "json") return restoreAnswer(bytes, withheld);
  const stream = restoreStream(bytes, withheld);
  if (includeUsage) return stream;
  return Buffer.concat(splitEvents(stream).filter((event) => !readSignal(event).usageOnly));
}

const messageOf = (bytes: Bytes): ChatMessage => JSON.parse(bytes.toString("utf8")) as ChatMessage;

const envelope = (record: TurnRecord, object: string) => ({
  id: `chatcmpl-${record.id}`,
  object,
  created: Math.floor(record.at / 1000),
  model: record.model,
});

const usageOf = ({ usage }: TurnRecord) =>
  usage && {
    usage: {
      prompt_tokens: usage.promptTokens,
      completion_tokens: usage.completionTokens,
      total_tokens: usage.promptTokens + usage.completionTokens,
      prompt_tokens_details: { cached_tokens: usage.cachedTokens },
    },
  };

function storedCompletion(record: TurnRecord, answers: readonly ChatMessage[]) {
  return {
    ...envelope(record, "chat.completion"),
    choices: answers.map((message, index) => ({
      index,
      message: { refusal: null, ...message },
      logprobs: null,
      finish_reason: record.finishReasons[index] ?? "stop",
    })),
    ...usageOf(record),
  };
}

function storedStream(record: TurnRecord, answers: readonly ChatMessage[], includeUsage: boolean): string {
  const event = (choices: readonly object[], more: object = {}): string =>
    `data: ${JSON.stringify({ ...envelope(record, "chat.completion.chunk"), choices, ...more })}\n\n`;
  const chunk = (index: number, delta: object, finishReason: string | null): string =>
    event([{ index, delta, logprobs: null, finish_reason: finishReason }]);
  const events = answers.map(({ tool_calls: calls, ...message }, index) => {
    const delta = calls ? { ...message, tool_calls: calls.map((call, at) => ({ index: at, ...call })) } : message;
    return chunk(index, delta, null) + chunk(index, {}, record.finishReasons[index] ?? "stop");
  });
  const usage = includeUsage ? usageOf(record) : undefined;
  return `${events.join("")}${usage ? event([], usage) : ""}data: [DONE]\n\n`;
}
