import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders, ServerResponse } from "node:http";

import type { HistoryMessage } from "../history/history-strategy.ts";
import { appendTail, restorableNote } from "../history/tail-note.ts";
import type { ChatRequest } from "../protocol/chat-request.ts";
import { hasRepeatedKeys } from "../protocol/repeated-keys.ts";
import type { Redactor } from "../redaction/redactor.ts";
import { answerTokens, estimateTokens } from "./billed-tokens.ts";
import { finishAnswer } from "./finish-answer.ts";
import { composeBody, hideFields, jsonArray } from "./hide-fields.ts";
import { hideHeaders } from "./hide-headers.ts";
import { toHistoryMessage } from "./read-conversation.ts";
import { relayAnswer } from "./relay-answer.ts";
import { notRemembered } from "./remember-turn.ts";
import { sumCounts } from "./sum-counts.ts";
import type { Ticket } from "./ticket.ts";
import type { TurnRing } from "./turn-ring.ts";
import { createWithheldNotes, type WithheldNotes } from "./withheld-notes.ts";

export interface HiddenExchange {
  readonly ring: TurnRing;
  readonly chat: ChatRequest;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly client: ServerResponse;
  readonly ticket: Ticket;
}

/**
 * Answers a request that uses no history, the upstream seeing placeholders only. Nothing is kept of it afterwards.
 *
 * @throws GatewayError `redaction_failed` while nothing was sent, and what the upstream fails with before its head
 */
export async function answerHidden(
  { ring, chat, path, headers, client, ticket }: HiddenExchange,
  { redactor, headers: added }: { redactor: Redactor; headers: Readonly<Record<string, string>> },
): Promise<void> {
  const { upstream, settings, placeholders, counters } = ring.ports;
  // Placeholders of one request alone: nothing tells the provider that two requests speak of the same person.
  const notes = createWithheldNotes(placeholders(randomUUID()), true);
  const { body, redactions } = await hideBody({ ring, chat, notes }, redactor);
  const answerHeaders = { ...added, ...(redactions > 0 && { "x-redactions-in-context": String(redactions) }) };
  await ticket.admitted;
  const relay = await relayAnswer({
    upstream,
    client,
    request: { method: "POST", path, headers: await hideHeaders(headers, redactor), body },
    headers: answerHeaders,
    expectedChoices: chat.choices,
    clientWantsUsage: true,
    keepReasoning: settings.keepReasoning,
    keepBytes: false,
    onDisconnect: "cancel",
    restoring: notes.values,
  });
  if (relay.answer) {
    ticket.bill(await answerTokens(relay.answer, estimateTokens(chat.body.length), counters.forModel(chat.model)));
  }
  finishAnswer({ client, relay, headers: answerHeaders, stored: notRemembered, mustBeStored: false });
}

const withNote = (message: HistoryMessage): HistoryMessage => appendTail(message, restorableNote, () => 0);

interface HiddenBody {
  readonly body: readonly Buffer[];
  /** Placeholders in its messages. */
  readonly redactions: number;
}

async function hideBody(
  { ring, chat, notes }: Pick<HiddenExchange, "ring" | "chat"> & { notes: WithheldNotes },
  redactor: Redactor,
): Promise<HiddenBody> {
  const redacted = await redactor.redact(
    chat.messages.map(({ message }) => message),
    notes.name,
  );
  const { fields, isSame, counts } = await hideFields(
    { ...chat, fields: { ...chat.fields, messages: null } },
    { redactor, notes },
  );
  ring.ports.meter.redactions(sumCounts([{ counts }, ...redacted]));
  const messages = chat.messages.map(({ message, bytes }, index) => {
    const hidden = redacted[index]?.message;
    if (!hidden) throw new TypeError("a message without its redaction");
    const isSame = hidden === message && !hasRepeatedKeys(bytes, message);
    return toHistoryMessage(hidden, { bytes: isSame ? bytes : Buffer.from(JSON.stringify(hidden)), tokens: 0 });
  });
  const redactions = messages.reduce((sum, { bytes }) => sum + redactor.countPlaceholders(bytes.toString("latin1")), 0);
  const newest = messages.at(-1);
  if (isSame && messages.every(({ bytes }, index) => bytes === chat.messages[index]?.bytes) && redactions === 0) {
    return { body: [chat.body], redactions };
  }
  const told = redactions > 0 && newest ? [...messages.slice(0, -1), withNote(newest)] : messages;
  return { body: composeBody(fields, { messages: jsonArray(told.map(({ bytes }) => bytes)) }), redactions };
}
