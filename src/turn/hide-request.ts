import type { IncomingHttpHeaders } from "node:http";

import { GatewayError } from "../errors/gateway-error.ts";
import type { HistoryMessage } from "../history/history-strategy.ts";
import { recover } from "../kit/awaitable.ts";
import { type Bytes, toBuffer } from "../kit/held-bytes.ts";
import type { ChatRequest, RequestMessage } from "../protocol/chat-request.ts";
import type { Redactor } from "../redaction/redactor.ts";
import type { StoredMessage } from "../session/turn-record.ts";
import type { TokenCounter } from "../tokens/token-counter.ts";
import { composeBody, type HiddenField, hideFields, jsonArray } from "./hide-fields.ts";
import { hideHeaders } from "./hide-headers.ts";
import { parseStored } from "./hide-stored.ts";
import type { OpenedSession } from "./opened-session.ts";
import { type FreshMessage, type IncomingMessage, hashSystem, splitConversation } from "./read-conversation.ts";
import { type ClearMessage, redactMessages, type RedactionParts } from "./redact-turn.ts";
import type { TurnPorts } from "./turn-ports.ts";
import type { TurnRequest } from "./turn-request.ts";
import type { TurnScope } from "./turn-scope.ts";

/** A request in the form in which the upstream may see it. */
export interface HiddenRequest {
  /** Every member of the body; `messages` is put in later. */
  readonly fields: readonly HiddenField[];
  /** Neither they nor the system messages had to be changed. */
  readonly isSame: boolean;
  readonly headers: IncomingHttpHeaders;
  readonly system: readonly HistoryMessage[];
  /** What is new travels as it will be stored. */
  fresh(messages: readonly IncomingMessage[]): Promise<readonly FreshMessage[]>;
  /**
   * What is stored travels as it is, once it is known that it was stored under rules no laxer than today's: a session may
   * have begun while redaction was off, or before a pattern was added.
   */
  stored(messages: readonly HistoryMessage[]): Promise<readonly HistoryMessage[]>;
  /** The same for messages of a superseded turn, which are stored once more: in the form in which they travel. */
  repeated(messages: readonly StoredMessage[]): Promise<readonly StoredMessage[]>;
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
  const { meter } = ring.ports;
  const parts: RedactionParts = { redactor, counter, name: notes.name, fingerprint: ring.fingerprint };
  const redact: Redact = async (messages) => {
    const { messages: redacted, counts } = await redactMessages(parts, messages);
    meter.redactions(counts);
    return redacted;
  };
  const members = { ...request.chat, fields: withoutMessages(request.chat) };
  const { fields, isSame, counts } = await hideFields(members, { redactor, notes });
  meter.redactions(counts);
  const given = splitConversation(request.chat.messages).system;
  const system = await hideSystem(scope, redact, { given, snapshot });
  return {
    fields,
    isSame: isSame && given.every(({ bytes }, index) => isEqual(system[index]?.bytes, bytes)),
    headers: await hideHeaders(request.headers, redactor),
    system,
    fresh: (messages) => hideFresh(scope, redact, messages),
    stored: (messages) => hideStored(scope, redact, messages),
    repeated: (messages) => hideRepeated(scope, redact, messages),
  };
}

const isEqual = (one: Bytes | undefined, other: Bytes): boolean =>
  one !== undefined && toBuffer(one).equals(toBuffer(other));

type Redact = (messages: readonly ClearMessage[]) => Promise<readonly StoredMessage[]>;

async function hideFresh(
  { ring }: TurnScope,
  redact: Redact,
  messages: readonly IncomingMessage[],
): Promise<readonly FreshMessage[]> {
  // Only the form that travels is counted.
  const redacted = await redact(messages.map((message) => ({ ...clearForm(message), tokens: undefined })));
  return messages.map((message, index) => {
    const own = redacted[index];
    if (!own) throw new TypeError("a message without its redaction");
    ring.checked.add(own);
    const { bytes } = message;
    return { ...message, sent: isEqual(own.bytes, bytes) ? { ...own, bytes } : own, stored: own };
  });
}

async function hideStored<Message extends HistoryMessage>(
  scope: TurnScope,
  redact: Redact,
  messages: readonly Message[],
): Promise<readonly (Message | StoredMessage)[]> {
  const { checked } = scope.ring;
  const doubtful = messages.filter((message) => !checked.has(message));
  const redacted = await redact(doubtful.map((message) => readStored(scope, message)));
  const changed = new Map<Message, StoredMessage>();
  for (const [index, message] of doubtful.entries()) {
    const own = redacted[index];
    if (!own) throw new TypeError("a message without its redaction");
    if (isEqual(own.bytes, message.bytes)) checked.add(message);
    else changed.set(message, own);
  }
  return messages.map((message) => changed.get(message) ?? message);
}

/** A client that replays them is known by what it saw, whatever they are stored as. */
async function hideRepeated(
  scope: TurnScope,
  redact: Redact,
  messages: readonly StoredMessage[],
): Promise<readonly StoredMessage[]> {
  const hidden = await hideStored(scope, redact, messages);
  return hidden.map((own, index) => {
    const before = messages[index];
    return before && own !== before ? { ...own, seen: before.seen } : own;
  });
}

interface SystemParts {
  readonly given: readonly RequestMessage[];
  readonly snapshot: OpenedSession | undefined;
}

async function hideSystem(
  scope: TurnScope,
  redact: Redact,
  { given, snapshot }: SystemParts,
): Promise<readonly HistoryMessage[]> {
  if (snapshot?.head.systemHash === hashSystem(given)) return hideStored(scope, redact, snapshot.system);
  return redact(given.map((message) => readSystem(scope, message)));
}

const readStored = ({ ring }: TurnScope, stored: HistoryMessage): ClearMessage => {
  const { bytes, tokens } = stored;
  const message = parseStored(stored);
  return { message, bytes: toBuffer(bytes), fingerprint: ring.fingerprint(message), tokens };
};

const readSystem = ({ ring }: TurnScope, { message, bytes }: RequestMessage): ClearMessage => ({
  message,
  bytes,
  fingerprint: ring.fingerprint(message),
  tokens: undefined,
});

/** They are hidden one by one. */
const withoutMessages = ({ fields }: ChatRequest) => ({ ...fields, messages: null });

export const clearForm = ({ message, fingerprint, bytes }: IncomingMessage) => ({ message, fingerprint, bytes });

/** The body of a hidden request on a session: the gateway needs the bill of every answer. */
export function hiddenBody(
  { chat }: TurnRequest,
  fields: readonly HiddenField[],
  messages: readonly Bytes[],
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
    redact: (messages, name) => recover(() => redactor.redact(messages, name), refuse),
    redactValues: (values, name) => recover(() => redactor.redactValues(values, name), refuse),
    countPlaceholders: (text) => redactor.countPlaceholders(text),
  };
}

const refuse = (error: unknown): Promise<never> =>
  Promise.reject(error instanceof GatewayError ? error : new GatewayError("redaction_failed", "the redactor failed"));
