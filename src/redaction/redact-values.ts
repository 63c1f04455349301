import type { Awaitable } from "../kit/awaitable.ts";
import { runInSlices } from "../kit/run-in-slices.ts";
import { isClear } from "./clear-text.ts";
import { UNITS_PER_STEP } from "./find-findings.ts";
import type { MessageString, StringMapper } from "./message-strings.ts";
import { labelled, redactText, type TextRedaction } from "./redact-text.ts";
import type { EntityType, PlaceholderNamer } from "./redactor.ts";
import { refuseExcess } from "./refuse-excess.ts";
import type { SearchRules } from "./search-rules.ts";

type Counts = Readonly<Partial<Record<EntityType, number>>>;

/** How values of one kind are gone through. */
export interface Walk<Value, Outcome> {
  /** Applies a mapper to every string of a value, always in the same order. */
  readonly walk: (value: Value, map: StringMapper) => Value;
  readonly outcome: (value: Value, counts: Counts) => Outcome;
  /** For values whose strings are also read as one. */
  readonly across?: AcrossStrings<Value>;
}

interface AcrossStrings<Value> {
  isNeeded(value: Value): boolean;
  /** Replaces what lies in two strings at once. */
  redact(value: Value, search: Search): Generator<undefined, Joined<Value>>;
}

interface Joined<Value> {
  readonly value: Value;
  readonly types: readonly EntityType[];
}

interface Search {
  readonly rules: SearchRules;
  readonly name: PlaceholderNamer;
  readonly maxCharacters: number;
}

/** Most values are short and hold nothing, and are looked at without a step of a generator. */
export function redactValues<Value, Outcome>(
  values: readonly Value[],
  walk: Walk<Value, Outcome>,
  search: Search,
): Awaitable<Outcome[]> {
  if (!areClear(values, walk, search)) return runInSlices(redactEach(values, walk, search));
  return values.map((value) => walk.outcome(value, nothingFound));
}

const nothingFound: Counts = {};

/** Together no more than a step of work, and nothing in any of them. */
function areClear<Value>(
  values: readonly Value[],
  { walk, across }: Walk<Value, unknown>,
  { rules, maxCharacters }: Search,
): boolean {
  // Every value and every string is looked at, and takes its time however little it holds.
  if (values.length > UNITS_PER_STEP) return false;
  let left = Math.min(UNITS_PER_STEP, maxCharacters);
  const look: StringMapper = (string) => {
    left -= Math.max(string.text.length, 1);
    if (left < 0 || !isClearString(string, rules)) throw notClear;
    return string.text;
  };
  try {
    for (const value of values) {
      if (across?.isNeeded(value)) return false;
      walk(value, look);
    }
    return true;
  } catch (error) {
    if (error !== notClear) throw error;
    return false;
  }
}

/** Nothing else leaves a walk early, and there may be a hundred thousand strings to come. */
const notClear = new Error("not clear at a glance");

function* redactEach<Value, Outcome>(
  values: readonly Value[],
  walk: Walk<Value, Outcome>,
  search: Search,
): Generator<undefined, Outcome[]> {
  const collected: (readonly MessageString[])[] = [];
  for (const value of values) {
    collected.push(collectStrings(value, walk));
    yield;
  }
  yield* refuseExcess(collected.flat(), search.maxCharacters);
  const outcomes: Outcome[] = [];
  for (const [index, given] of values.entries()) {
    const joined = walk.across?.isNeeded(given)
      ? yield* walk.across.redact(given, search)
      : { value: given, types: [] };
    const redactions: TextRedaction[] = [];
    const strings = joined.value === given ? (collected[index] ?? []) : collectStrings(joined.value, walk);
    for (const string of strings) {
      redactions.push(isClearString(string, search.rules) ? unchanged(string) : yield* redactString(string, search));
      yield;
    }
    outcomes.push(rebuild(joined, redactions, walk));
  }
  return outcomes;
}

function collectStrings<Value>(value: Value, { walk }: Walk<Value, unknown>): readonly MessageString[] {
  const strings: MessageString[] = [];
  walk(value, (string) => {
    strings.push(string);
    return string.text;
  });
  return strings;
}

const unchanged = ({ text }: MessageString): TextRedaction => ({ text, types: [] });

const LEGAL_NAME = /^[A-Za-z0-9_-]*$/;

/** A tool's name, whose placeholders stand in it without brackets. */
const isBareName = ({ text, isIdentifier }: MessageString): boolean => isIdentifier === true && LEGAL_NAME.test(text);

function isClearString(string: MessageString, rules: SearchRules): boolean {
  const { text, label } = string;
  if (isBareName(string)) return isClear(rules.placeholders.bracket(text), rules);
  return isClear(label === undefined ? text : labelled(text, label), rules);
}

function* redactString(string: MessageString, { rules, name }: Search): Generator<undefined, TextRedaction> {
  const { text, label, isArguments } = string;
  if (!isBareName(string)) return yield* redactText(text, { rules, name, label, isArguments });
  const { text: bracketed, types } = yield* redactText(rules.placeholders.bracket(text), { rules, name });
  return { text: rules.placeholders.unbracket(bracketed), types };
}

function rebuild<Value, Outcome>(
  { value, types }: Joined<Value>,
  redactions: readonly TextRedaction[],
  { walk, outcome }: Walk<Value, Outcome>,
): Outcome {
  if (redactions.every((redaction) => redaction.types.length === 0)) return outcome(value, countTypes([types]));
  const counts = countTypes([types, ...redactions.map((redaction) => redaction.types)]);
  let index = 0;
  return outcome(
    walk(value, ({ text }) => redactions[index++]?.text ?? text),
    counts,
  );
}

function countTypes(all: readonly (readonly EntityType[])[]): Counts {
  const counts: Partial<Record<EntityType, number>> = {};
  for (const type of all.flat()) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}
