import { GatewayError } from "../errors/gateway-error.ts";
import type { HistoryMessage, Summary } from "../history/history-strategy.ts";
import { parseChatRequest, type RequestMessage } from "../protocol/chat-request.ts";
import type { SessionLine } from "../protocol/export-lines.ts";
import { noLimits } from "../protocol/scan-body.ts";
import type { StoredMessage } from "../session/turn-record.ts";
import { redactMessages, type RedactionParts } from "../turn/redact-turn.ts";
import type { ImportedRecord } from "./imported-session.ts";
import type { ReadTurn } from "./read-export.ts";

// What comes in is checked for personal data as if a client had just sent it: an export may come from a gateway that
// did not redact, or from an editor. Placeholders are no findings, so what was redacted before stays as it is.

/** @throws GatewayError `redaction_failed` */
export async function redactTurn(parts: RedactionParts, { line, messages }: ReadTurn): Promise<ImportedRecord> {
  const answersFrom = messages.length - line.answers;
  const clear = messages.map(({ message, bytes }, index) => ({
    message,
    bytes,
    fingerprint: parts.fingerprint(message),
    tokens: line.tokens[index],
  }));
  const asked = await redactMessages(parts, clear.slice(0, answersFrom));
  const answers = await redactMessages(parts, clear.slice(answersFrom));
  const seenAs = (message: StoredMessage, index: number): StoredMessage => ({
    ...message,
    seen: line.seen?.[index] ?? message.seen,
  });
  return {
    line,
    messages: asked.messages.map(seenAs),
    answers: answers.messages.map((message, index) => seenAs(message, answersFrom + index)),
  };
}

export async function redactSystem(
  parts: RedactionParts,
  rows: NonNullable<SessionLine["slots"]["system"]>,
): Promise<readonly HistoryMessage[]> {
  const read = rows.map(({ json }) => readMessage(json));
  const clear = read.map(({ message, bytes }, index) => ({
    message,
    bytes,
    fingerprint: parts.fingerprint(message),
    tokens: rows[index]?.tokens,
  }));
  return (await redactMessages(parts, clear)).messages;
}

/** Its text is put into requests as it is, so it must be one message and nothing behind it. */
function readMessage(json: string): RequestMessage {
  const { messages } = parseChatRequest(Buffer.from(`{"model":"-","messages":[${json}]}`), SYSTEM_LIMITS);
  const [message] = messages;
  if (!message || messages.length !== 1) throw new GatewayError("invalid_request", "not a system message");
  return message;
}

const SYSTEM_LIMITS = { ...noLimits, maxDepth: 10_000, maxKeys: 1_000_000 };

export async function redactSummaries(parts: RedactionParts, summaries: readonly Summary[]): Promise<Summary[]> {
  const texts = await redactTexts(
    parts,
    summaries.map(({ text }) => text),
  );
  return summaries.map((summary, index) => ({ ...summary, text: texts[index] ?? "" }));
}

/** Texts that are no messages, such as a title. */
export async function redactTexts({ redactor, name }: RedactionParts, texts: readonly string[]): Promise<string[]> {
  if (!redactor) return [...texts];
  const redacted = await redactor.redactValues(texts, name);
  return redacted.map(({ value }) => value);
}
