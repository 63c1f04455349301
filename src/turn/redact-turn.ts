import { type Awaitable, andThen } from "../kit/awaitable.ts";
import { holdBytes } from "../kit/held-bytes.ts";
import { nextSlice } from "../kit/slice-queue.ts";
import { mapInSlices } from "../kit/work-slices.ts";
import type { ChatMessage } from "../protocol/chat-message.ts";
import { hasRepeatedKeys } from "../protocol/repeated-keys.ts";
import { countPlaceholders } from "../redaction/count-placeholders.ts";
import type { PlaceholderNamer, Redaction, Redactor } from "../redaction/redactor.ts";
import type { StoredMessage } from "../session/turn-record.ts";
import type { TokenCounter } from "../tokens/token-counter.ts";
import { toolCallIdsOf } from "./read-conversation.ts";
import { sumCounts } from "./sum-counts.ts";

/** A message as the client knows it, on its way to the store. */
export interface ClearMessage {
  readonly message: ChatMessage;
  /** Its bytes where they came from the client; an answer's are written here. */
  readonly bytes: Buffer | undefined;
  /** Of what the client saw, which is another message than this one where values were put back for it. */
  readonly fingerprint: string;
  readonly isRestored?: boolean;
  /** Counted already, or known from `usage`. */
  readonly tokens: number | undefined;
}

export interface RedactionParts {
  readonly redactor: Redactor | undefined;
  readonly name: PlaceholderNamer;
  readonly counter: TokenCounter;
  readonly fingerprint: (message: ChatMessage) => string;
}

export interface RedactedMessages {
  readonly messages: readonly StoredMessage[];
  readonly counts: Readonly<Record<string, number>>;
}

/**
 * At once where there is little to look at.
 *
 * @throws GatewayError `redaction_failed`: then nothing of these messages may be stored
 */
export function redactMessages(parts: RedactionParts, clear: readonly ClearMessage[]): Awaitable<RedactedMessages> {
  const { redactor, name } = parts;
  const redactions = redactor ? redactor.redact(clear.map(messageOf), name) : [];
  return andThen(redactions, (redacted) => storedForms(parts, clear, redacted));
}

function storedForms(
  parts: RedactionParts,
  clear: readonly ClearMessage[],
  redactions: readonly Redaction[],
): Awaitable<RedactedMessages> {
  const stored = mapInSlices(clear, {
    bytesOf: lengthOf,
    map: (item, index) => storedForm(parts, item, { redaction: redactions[index] }),
    mapLong: (item, index) => longStoredForm(parts, item, redactions[index]),
  });
  return andThen(stored, (messages) => ({ messages, counts: sumCounts(redactions) }));
}

const messageOf = ({ message }: ClearMessage): ChatMessage => message;

const lengthOf = ({ bytes, message }: ClearMessage): number => bytes?.length ?? answerLength(message);

const answerLength = ({ content, tool_calls: calls }: ChatMessage): number =>
  (typeof content === "string" ? content.length : 0) + (calls ? JSON.stringify(calls).length : 0);

interface Outcome {
  readonly redaction: Redaction | undefined;
  /** Of the form that is stored, where they were made ahead. */
  readonly tokens?: number;
  readonly stored?: string | undefined;
}

async function longStoredForm(
  parts: RedactionParts,
  clear: ClearMessage,
  redaction: Redaction | undefined,
): Promise<StoredMessage> {
  const message = redaction?.message ?? clear.message;
  const isChanged = message !== clear.message;
  const known = isChanged ? undefined : clear.tokens;
  const tokens = known ?? (await parts.counter.countInSlices(message));
  await nextSlice();
  if (!isChanged) return storedForm(parts, clear, { redaction, tokens });
  const stored = parts.fingerprint(message);
  await nextSlice();
  return storedForm(parts, clear, { redaction, tokens, stored });
}

function storedForm(parts: RedactionParts, clear: ClearMessage, outcome: Outcome): StoredMessage {
  const { redactor, counter, fingerprint } = parts;
  const { message, bytes, fingerprint: seen, isRestored } = clear;
  const { redaction, tokens } = outcome;
  if (redaction && redaction.message !== message)
    return redactedForm(parts, seen, { ...outcome, message: redaction.message });
  const isWhole = bytes !== undefined && !hasRepeatedKeys(bytes, message);
  const own = holdBytes(isWhole ? bytes : JSON.stringify(message));
  return toStoredMessage(message, {
    bytes: own,
    tokens: tokens ?? clear.tokens ?? counter.countMessage(message),
    redactions: own.includes("[") ? placeholdersIn(own.toString("latin1"), redactor) : 0,
    seen,
    stored: isRestored ? fingerprint(message) : seen,
  });
}

function redactedForm(
  { redactor, counter, fingerprint }: RedactionParts,
  seen: string,
  { message, tokens, stored }: Outcome & Pick<Redaction, "message">,
): StoredMessage {
  const text = JSON.stringify(message);
  return toStoredMessage(message, {
    bytes: holdBytes(text),
    tokens: tokens ?? counter.countMessage(message),
    redactions: placeholdersIn(text, redactor),
    seen,
    stored: stored ?? fingerprint(message),
  });
}

type Stored = Pick<StoredMessage, "bytes" | "tokens" | "redactions" | "seen" | "stored">;

/** Written out: what is kept as long as its session takes the least room in this form. */
const toStoredMessage = (message: ChatMessage, { bytes, tokens, redactions, seen, stored }: Stored): StoredMessage => ({
  role: message.role,
  bytes,
  tokens,
  toolCallIds: toolCallIdsOf(message),
  toolCallId: message.tool_call_id ?? undefined,
  redactions,
  seen,
  stored,
});

const placeholdersIn = (text: string, redactor: Redactor | undefined): number =>
  redactor?.countPlaceholders(text) ?? countPlaceholders(text);
