import { ownBytes } from "../kit/own-bytes.ts";
import { createWorkSlices } from "../kit/work-slices.ts";
import type { ChatMessage } from "../protocol/chat-message.ts";
import { hasRepeatedKeys } from "../protocol/repeated-keys.ts";
import { countPlaceholders } from "../redaction/count-placeholders.ts";
import type { PlaceholderNamer, Redaction, Redactor } from "../redaction/redactor.ts";
import type { StoredMessage } from "../session/turn-record.ts";
import type { TokenCounter } from "../tokens/token-counter.ts";
import { toHistoryMessage } from "./read-conversation.ts";
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

/** @throws GatewayError `redaction_failed`: then nothing of these messages may be stored */
export async function redactMessages(parts: RedactionParts, clear: readonly ClearMessage[]): Promise<RedactedMessages> {
  const redactions = await parts.redactor?.redact(
    clear.map(({ message }) => message),
    parts.name,
  );
  const messages: StoredMessage[] = [];
  const slices = createWorkSlices();
  for (const [index, item] of clear.entries()) {
    const pause = slices.before(item.bytes?.length ?? 0);
    if (pause) await pause;
    messages.push(storedForm(parts, item, redactions?.[index]));
  }
  return {
    messages,
    counts: sumCounts((redactions ?? []).map(({ counts }) => counts)),
  };
}

function storedForm(
  { redactor, counter, fingerprint }: RedactionParts,
  { message, bytes, fingerprint: seen, isRestored = false, tokens }: ClearMessage,
  redaction: Redaction | undefined,
): StoredMessage {
  if (!redaction || redaction.message === message) {
    const isWhole = bytes !== undefined && !hasRepeatedKeys(bytes, message);
    const own = ownBytes(isWhole ? bytes : JSON.stringify(message));
    const parts = {
      bytes: own,
      tokens: tokens ?? counter.countMessage(message),
      redactions: own.includes(OPEN_BRACKET) ? placeholdersIn(own.toString("latin1"), redactor) : 0,
    };
    return { ...toHistoryMessage(message, parts), seen, stored: isRestored ? fingerprint(message) : seen };
  }
  const text = JSON.stringify(redaction.message);
  return {
    ...toHistoryMessage(redaction.message, {
      bytes: ownBytes(text),
      tokens: counter.countMessage(redaction.message),
      redactions: placeholdersIn(text, redactor),
    }),
    seen,
    stored: fingerprint(redaction.message),
  };
}

const OPEN_BRACKET = 0x5b;

const placeholdersIn = (text: string, redactor: Redactor | undefined): number =>
  redactor?.countPlaceholders(text) ?? countPlaceholders(text);
