import { GatewayError } from "../errors/gateway-error.ts";
import { createAllowList } from "./allow-list.ts";
import { BUILT_IN_DETECTORS } from "./built-in-detectors.ts";
import { type ConfiguredPattern, configuredDetectors } from "./configured-patterns.ts";
import type { Detector } from "./detectors/detector.ts";
import { base64End } from "./fold-text.ts";
import { redactAcrossParts } from "./join-parts.ts";
import { mapMessageStrings, mapRequestStrings, type MessageString, type StringMapper } from "./message-strings.ts";
import { builtInPlaceholders, createPlaceholderReader } from "./placeholder.ts";
import { redactText, type TextRedaction } from "./redact-text.ts";
import type { BuiltInEntity, EntityType, PlaceholderNamer, Redactor, ValueRedaction } from "./redactor.ts";
import { runInSlices } from "./run-in-slices.ts";
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

/** @throws TypeError that lists what is wrong with `patterns` */
export function createRedactor(options: RedactorOptions): Redactor {
  const { maxCharacters } = options;
  const rules = searchRules(options);
  const redactAll = async <Value>(values: readonly Value[], job: Walk<Value>): Promise<ValueRedaction<Value>[]> => {
    try {
      return await runInSlices(redactValues(values, { ...job, rules, maxCharacters }));
    } catch (error) {
      throw asRedactionFailed(error);
    }
  };
  return {
    redact: (messages, name) =>
      redactAll(messages, { name, walk: mapMessageStrings, join: redactAcrossParts }).then((redactions) =>
        redactions.map(({ value, counts }) => ({ message: value, counts })),
      ),
    redactValues: (values, name) => redactAll(values, { name, walk: mapRequestStrings }),
    countPlaceholders: (text) => rules.placeholders.count(text),
  };
}

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
  if (error instanceof GatewayError && error.code === "redaction_failed") return error;
  const kind = error instanceof Error ? error.name : typeof error;
  return new GatewayError("redaction_failed", `a detector or the placeholder namer failed with ${kind}`);
}

interface Walk<Value> {
  readonly name: PlaceholderNamer;
  /** Applies a mapper to every string of a value, always in the same order. */
  readonly walk: (value: Value, map: StringMapper) => Value;
  /** Replaces what lies in two strings at once. */
  readonly join?: (value: Value, search: Search) => Generator<undefined, Joined<Value>>;
}

interface Joined<Value> {
  readonly value: Value;
  readonly types: readonly EntityType[];
}

interface Search {
  readonly rules: SearchRules;
  readonly name: PlaceholderNamer;
}

interface Job<Value> extends Walk<Value>, Search {
  readonly maxCharacters: number;
}

/** Strings are collected first and put back only where something was found: most values are walked once. */
function* redactValues<Value>(
  values: readonly Value[],
  job: Job<Value>,
): Generator<undefined, ValueRedaction<Value>[]> {
  const collected = values.map((value) => collectStrings(value, job.walk));
  yield* refuseExcess(collected, job.maxCharacters);
  const redactions: ValueRedaction<Value>[] = [];
  for (const [index, given] of values.entries()) {
    const joined = job.join === undefined ? { value: given, types: [] } : yield* job.join(given, job);
    const { value } = joined;
    const strings = value === given ? collected[index] : collectStrings(value, job.walk);
    const outcomes: TextRedaction[] = [];
    for (const string of strings ?? []) outcomes.push(yield* redactString(string, job));
    redactions.push(rebuild(joined, outcomes, job.walk));
  }
  return redactions;
}

/** Before any work, so that what is refused costs little. */
function* refuseExcess(collected: readonly MessageString[][], maxCharacters: number): Generator<undefined, void> {
  let characters = 0;
  for (const strings of collected) {
    for (const { text } of strings) {
      if (text.length < MIN_PAYLOAD || !(yield* isPayload(text))) characters += text.length;
      if (characters > maxCharacters)
        throw new GatewayError("redaction_failed", `more than ${maxCharacters} characters`);
    }
  }
}

function collectStrings<Value>(value: Value, walk: Walk<Value>["walk"]): MessageString[] {
  const strings: MessageString[] = [];
  walk(value, (string) => {
    strings.push(string);
    return string.text;
  });
  return strings;
}

const MIN_PAYLOAD = 512;
const MAX_HEADER = 256;

/** An image or a file as a data URL: nothing to read, and long. */
function* isPayload(text: string): Generator<undefined, boolean> {
  if (!text.startsWith("data:")) return false;
  const comma = text.slice(0, MAX_HEADER).indexOf(";base64,");
  return comma > 0 && (yield* base64End(text, comma + 8)) === text.length;
}

const LEGAL_NAME = /^[A-Za-z0-9_-]*$/;

function* redactString(string: MessageString, { rules, name }: Search): Generator<undefined, TextRedaction> {
  const { text, label, isIdentifier, isArguments } = string;
  if (isIdentifier !== true || !LEGAL_NAME.test(text))
    return yield* redactText(text, { rules, name, label, isArguments });
  const { text: bracketed, types } = yield* redactText(rules.placeholders.bracket(text), { rules, name });
  return { text: rules.placeholders.unbracket(bracketed), types };
}

function rebuild<Value>(
  { value, types }: Joined<Value>,
  outcomes: readonly TextRedaction[],
  walk: Walk<Value>["walk"],
): ValueRedaction<Value> {
  if (outcomes.every((outcome) => outcome.types.length === 0)) return { value, counts: countTypes([types]) };
  const counts = countTypes([types, ...outcomes.map((outcome) => outcome.types)]);
  let index = 0;
  return { value: walk(value, ({ text }) => outcomes[index++]?.text ?? text), counts };
}

function countTypes(all: readonly (readonly EntityType[])[]): Partial<Record<EntityType, number>> {
  const counts: Partial<Record<EntityType, number>> = {};
  for (const type of all.flat()) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}
