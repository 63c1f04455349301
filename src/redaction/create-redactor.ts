import { GatewayError } from "../errors/gateway-error.ts";
import type { ChatMessage } from "../protocol/chat-message.ts";
import { cardDetector } from "./detectors/card.ts";
import type { Detector } from "./detectors/detector.ts";
import { emailDetector } from "./detectors/email.ts";
import { ibanDetector } from "./detectors/iban.ts";
import { ipDetector } from "./detectors/ip.ts";
import { phoneDetector } from "./detectors/phone.ts";
import { secretDetector } from "./detectors/secret.ts";
import { ssnDetector } from "./detectors/ssn.ts";
import { base64End } from "./fold-text.ts";
import { type MessageString, mapMessageStrings } from "./message-strings.ts";
import { bracketPlaceholders, unbracketPlaceholders } from "./placeholder.ts";
import { redactText, type TextRedaction } from "./redact-text.ts";
import type { EntityType, PlaceholderNamer, Redaction, Redactor } from "./redactor.ts";
import { runInSlices } from "./run-in-slices.ts";

export interface RedactorOptions {
  readonly entities: readonly EntityType[];
  /** Bound of one call, in UTF-16 units of all strings together; base64 payloads of images and files are free. */
  readonly maxCharacters: number;
  /** Replaces the built-in detectors. */
  readonly detectors?: readonly Detector[];
}

const DETECTORS: readonly Detector[] = [
  secretDetector,
  emailDetector,
  ibanDetector,
  cardDetector,
  ipDetector,
  ssnDetector,
  phoneDetector,
];

export function createRedactor({ entities, maxCharacters, detectors = DETECTORS }: RedactorOptions): Redactor {
  const wanted = detectors.filter((detector) => entities.includes(detector.type));
  return {
    async redact(messages, name) {
      try {
        return await runInSlices(redactMessages(messages, { detectors: wanted, name, maxCharacters }));
      } catch (error) {
        throw asRedactionFailed(error);
      }
    },
  };
}

/** Without the cause: what a detector says when it fails may quote the text that nobody may see. */
function asRedactionFailed(error: unknown): GatewayError {
  if (error instanceof GatewayError && error.code === "redaction_failed") return error;
  const kind = error instanceof Error ? error.name : typeof error;
  return new GatewayError("redaction_failed", `a detector or the placeholder namer failed with ${kind}`);
}

interface Job {
  readonly detectors: readonly Detector[];
  readonly name: PlaceholderNamer;
  readonly maxCharacters: number;
}

/** Strings are collected first and put back only where something was found: most messages are walked once. */
function* redactMessages(messages: readonly ChatMessage[], job: Job): Generator<undefined, Redaction[]> {
  const collected = messages.map(collectStrings);
  yield* refuseExcess(collected, job.maxCharacters);
  const redactions: Redaction[] = [];
  for (const [index, message] of messages.entries()) {
    const outcomes: TextRedaction[] = [];
    for (const string of collected[index] ?? []) outcomes.push(yield* redactString(string, job));
    redactions.push(rebuild(message, outcomes));
  }
  return redactions;
}

/** Before any work, so that what is refused costs little. */
function* refuseExcess(collected: readonly MessageString[][], maxCharacters: number): Generator<undefined, void> {
  let characters = 0;
  for (const { text } of collected.flat()) {
    if (!(yield* isPayload(text))) characters += text.length;
    if (characters > maxCharacters) throw new GatewayError("redaction_failed", `more than ${maxCharacters} characters`);
  }
}

function collectStrings(message: ChatMessage): MessageString[] {
  const strings: MessageString[] = [];
  mapMessageStrings(message, (string) => {
    strings.push(string);
    return string.text;
  });
  return strings;
}

const MIN_PAYLOAD = 512;
const MAX_HEADER = 256;

/** An image or a file as a data URL: nothing to read, and long. */
function* isPayload(text: string): Generator<undefined, boolean> {
  if (text.length < MIN_PAYLOAD || !text.startsWith("data:")) return false;
  const comma = text.slice(0, MAX_HEADER).indexOf(";base64,");
  return comma > 0 && (yield* base64End(text, comma + 8)) === text.length;
}

const LEGAL_NAME = /^[A-Za-z0-9_-]*$/;

function* redactString(string: MessageString, { detectors, name }: Job): Generator<undefined, TextRedaction> {
  const { text, isIdentifier, ...place } = string;
  if (isIdentifier !== true || !LEGAL_NAME.test(text)) return yield* redactText(text, { detectors, name, ...place });
  const { text: bracketed, types } = yield* redactText(bracketPlaceholders(text), { detectors, name });
  return { text: unbracketPlaceholders(bracketed), types };
}

function rebuild(message: ChatMessage, outcomes: readonly TextRedaction[]): Redaction {
  if (outcomes.every((outcome) => outcome.types.length === 0)) return { message, counts: {} };
  let index = 0;
  const redacted = mapMessageStrings(message, ({ text }) => outcomes[index++]?.text ?? text);
  return { message: redacted, counts: countTypes(outcomes) };
}

function countTypes(outcomes: readonly TextRedaction[]): Partial<Record<EntityType, number>> {
  const counts: Partial<Record<EntityType, number>> = {};
  for (const { types } of outcomes) for (const type of types) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}
