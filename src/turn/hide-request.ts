import type { IncomingHttpHeaders } from "node:http";

import { GatewayError } from "../errors/gateway-error.ts";
import type { HistoryMessage } from "../history/history-strategy.ts";
import type { ChatRequest } from "../protocol/chat-request.ts";
import type { Redactor } from "../redaction/redactor.ts";
import type { StoredMessage } from "../session/turn-record.ts";
import type { TokenCounter } from "../tokens/token-counter.ts";
import { composeBody, type HiddenField, hideFields, jsonArray } from "./hide-fields.ts";
import { hideHeaders } from "./hide-headers.ts";
import { parseStored } from "./hide-stored.ts";
import type { OpenedSession } from "./opened-session.ts";
import { type IncomingMessage, hashSystem, splitConversation } from "./read-conversation.ts";
import { type ClearMessage, redactMessages, type RedactionParts } from "./redact-turn.ts";
import type { TurnPorts } from "./turn-ports.ts";
import type { TurnRequest } from "./turn-request.ts";
import type { TurnScope } from "./turn-scope.ts";

/** A request in the form in which the upstream may see it. */
export interface HiddenRequest {
  /** Every member of the body; `messages` is put in later. */
  readonly fields: readonly HiddenField[];
  readonly headers: IncomingHttpHeaders;
  readonly system: readonly HistoryMessage[];
  /** What is new travels as it will be stored. */
  fresh(messages: readonly IncomingMessage[]): Promise<readonly IncomingMessage[]>;
  /**
   * What is stored travels as it is, once it is known that it was stored under rules no laxer than today's: a session may
   * have begun while redaction was off, or before a pattern was added.
   */
  stored(messages: readonly HistoryMessage[]): Promise<readonly HistoryMessage[]>;
}

/**
 * Redacts what a request on a session will send, but for the messages that the transcript holds: those travel as stored.
 *
 * @throws GatewayError `redaction_failed`: then nothing may leave
 */
export async function hideRequest(
  scope: TurnScope,
  { redactor, counter, snapshot }: { redactor: Redactor; counter: TokenCounter; snapshot: OpenedSession | undefined },
): Promise<HiddenRequest> {
  const { ring, request, notes } = scope;
  const parts: RedactionParts = { redactor, counter, name: notes.name, fingerprint: ring.fingerprint };
  const redact = async (messages: readonly ClearMessage[]): Promise<readonly StoredMessage[]> => {
    const { messages: stored, counts } = await redactMessages(parts, messages);
    ring.ports.meter.redactions(counts);
    return stored;
  };
  const { fields, counts } = await hideFields(
    { ...request.chat, fields: withoutMessages(request.chat) },
    { redactor, notes },
  );
  ring.ports.meter.redactions(counts);
  return {
    fields,
    headers: await hideHeaders(request.headers, redactor),
    system: await hideSystem(scope, snapshot, redact),
    async fresh(messages) {
      // Only the form that travels is counted.
      const stored = await redact(messages.map((message) => ({ ...clearForm(message), tokens: undefined })));
      return messages.map((message, index) => {
        const own = stored[index];
        if (!own) throw new TypeError("a message without its redaction");
        ring.checked.add(own);
        return { ...message, sent: own, stored: own };
      });
    },
    async stored(messages) {
      const doubtful = messages.filter((message) => !ring.checked.has(message));
      const redacted = await redact(doubtful.map((message) => readStored(scope, message)));
      for (const [index, message] of doubtful.entries()) {
        if (redacted[index]?.bytes.equals(message.bytes)) ring.checked.add(message);
      }
      const hidden = new Map(doubtful.map((message, index) => [message, redacted[index]]));
      return messages.map((message) => (ring.checked.has(message) ? message : (hidden.get(message) ?? message)));
    },
  };
}

const readStored = ({ ring }: TurnScope, stored: HistoryMessage): ClearMessage => {
  const { bytes, tokens } = stored;
  const message = parseStored(stored);
  return { message, bytes, fingerprint: ring.fingerprint(message), tokens };
};

/** They are hidden one by one. */
const withoutMessages = ({ fields }: ChatRequest) => ({ ...fields, messages: null });

async function hideSystem(
  { ring, request }: TurnScope,
  snapshot: OpenedSession | undefined,
  redact: (messages: readonly ClearMessage[]) => Promise<readonly HistoryMessage[]>,
): Promise<readonly HistoryMessage[]> {
  const { system } = splitConversation(request.chat.messages);
  if (system.length === 0) return [];
  const isKnown =
    snapshot?.head.systemHash === hashSystem(system) && snapshot.system.every((message) => ring.checked.has(message));
  if (isKnown) return snapshot.system;
  return redact(
    system.map(({ message, bytes }) => ({
      message,
      bytes,
      fingerprint: ring.fingerprint(message),
      tokens: undefined,
    })),
  );
}

export const clearForm = ({ message, fingerprint, sent }: IncomingMessage) => ({
  message,
  fingerprint,
  bytes: sent.bytes,
});

/** The body of a hidden request on a session: the gateway needs the bill of every answer. */
export function hiddenBody(
  { chat }: TurnRequest,
  fields: readonly HiddenField[],
  messages: readonly Buffer[],
): Buffer[] {
  return composeBody(fields, {
    messages: jsonArray(messages),
    ...(chat.stream && !chat.includeUsage && { stream_options: [usageWish(fields)] }),
  });
}

function usageWish(fields: readonly HiddenField[]): Buffer {
  const given = fields.find(({ key }) => key === "stream_options");
  const options: unknown = given && JSON.parse(given.value.toString("utf8"));
  return Buffer.from(JSON.stringify({ ...(typeof options === "object" ? options : undefined), include_usage: true }));
}

/** Set where the upstream is to be sent placeholders only. Whatever it fails with, nothing may leave. */
export function hidingRedactor({ settings, redactor }: TurnPorts): Redactor | undefined {
  if (!settings.withholding.fromUpstream || !redactor) return undefined;
  return {
    redact: (messages, name) => redactor.redact(messages, name).catch(refuse),
    redactValues: (values, name) => redactor.redactValues(values, name).catch(refuse),
    countPlaceholders: (text) => redactor.countPlaceholders(text),
  };
}

function refuse(error: unknown): never {
  throw error instanceof GatewayError ? error : new GatewayError("redaction_failed", "the redactor failed");
}
