import { GatewayError, hasCode } from "../errors/gateway-error.ts";
import { recover } from "../kit/awaitable.ts";
import type { ChatMessage } from "../protocol/chat-message.ts";
import { createAllowList } from "./allow-list.ts";
import { BUILT_IN_DETECTORS } from "./built-in-detectors.ts";
import { type ConfiguredPattern, configuredDetectors } from "./configured-patterns.ts";
import type { Detector } from "./detectors/detector.ts";
import { hasSeveralParts, redactAcrossParts } from "./join-parts.ts";
import { mapMessageStrings, mapRequestStrings } from "./message-strings.ts";
import { builtInPlaceholders, createPlaceholderReader } from "./placeholder.ts";
import { redactValues, type Walk } from "./redact-values.ts";
import type { BuiltInEntity, EntityType, Redaction, Redactor, ValueRedaction } from "./redactor.ts";
import type { SearchRules } from "./search-rules.ts";

export interface RedactorOptions {
  /** Which built-in detectors look. */
  readonly entities: readonly BuiltInEntity[];
  /** Bound of one call, in UTF-16 units of all strings together; base64 payloads of images and files are free. */
  readonly maxCharacters: number;
  /** Values that stay, whatever finds them. */
  readonly allow?: readonly string[];
  readonly patterns?: readonly ConfiguredPattern[];
  /** Replaces the built-in detectors. */
  readonly detectors?: readonly Detector[];
}

const messages: Walk<ChatMessage, Redaction> = {
  walk: mapMessageStrings,
  outcome: (message, counts) => ({ message, counts }),
  across: { isNeeded: hasSeveralParts, redact: redactAcrossParts },
};

const anyValues = <Value>(): Walk<Value, ValueRedaction<Value>> => ({
  walk: mapRequestStrings,
  outcome: (value, counts) => ({ value, counts }),
});

/** @throws TypeError that lists what is wrong with `patterns` */
export function createRedactor(options: RedactorOptions): Redactor {
  const { maxCharacters } = options;
  const rules = searchRules(options);
  return {
    redact: (given, name) => recover(() => redactValues(given, messages, { rules, name, maxCharacters }), failClosed),
    redactValues: (values, name) =>
      recover(() => redactValues(values, anyValues(), { rules, name, maxCharacters }), failClosed),
    countPlaceholders: (text) => rules.placeholders.count(text),
  };
}

const failClosed = (error: unknown): Promise<never> => Promise.reject(asRedactionFailed(error));

function searchRules({
  entities,
  allow = [],
  patterns = [],
  detectors = BUILT_IN_DETECTORS,
}: RedactorOptions): SearchRules {
  const wanted = new Set<EntityType>(entities);
  return {
    detectors: [...detectors.filter(({ type }) => wanted.has(type)), ...configuredDetectors(patterns)],
    placeholders:
      patterns.length === 0 ? builtInPlaceholders : createPlaceholderReader(patterns.map(({ name }) => name)),
    isAllowed: createAllowList(allow),
  };
}

/** Without the cause: what a detector says when it fails may quote the text that nobody may see. */
function asRedactionFailed(error: unknown): GatewayError {
  if (hasCode(error, "redaction_failed")) return error;
  const kind = error instanceof Error ? error.name : typeof error;
  return new GatewayError("redaction_failed", `a detector or the placeholder namer failed with ${kind}`);
}
