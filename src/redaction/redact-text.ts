import { isJson } from "../protocol/json-object.ts";
import { findFindings } from "./find-findings.ts";
import { type Edit, isJsonDocument, jsonEdits, unescapedJson } from "./json-literals.ts";
import type { EntityType, Finding, PlaceholderNamer } from "./redactor.ts";
import type { SearchRules } from "./search-rules.ts";

export interface TextRedaction {
  readonly text: string;
  readonly types: readonly EntityType[];
}

export interface TextRedactionOptions {
  readonly rules: SearchRules;
  readonly name: PlaceholderNamer;
  /** What the text is said to be, such as the key that it stands under; matched as context, never changed. */
  readonly label?: string | undefined;
  /** Whether the text ought to be JSON, even if it is only a number. */
  readonly isArguments?: boolean | undefined;
}

/** A replacement may set a neighbour free that an overlap had hidden. It rarely takes a second round, never this many. */
const MAX_ROUNDS = 8;
const EDITS_PER_STEP = 64;
const NOTHING: readonly EntityType[] = [];

/** Replaces findings until there are none left, so that redacting the outcome again changes nothing. */
export function* redactText(source: string, options: TextRedactionOptions): Generator<undefined, TextRedaction> {
  const { rules, label } = options;
  let text = source;
  let types = NOTHING;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const findings = yield* label === undefined ? findFindings(text, rules) : labelledFindings(text, rules, label);
    if (findings.length === 0) break;
    types = [...types, ...findings.map((finding) => finding.type)];
    text = yield* replaceFindings(text, findings, options);
  }
  return { text, types };
}

function* labelledFindings(text: string, rules: SearchRules, label: string): Generator<undefined, readonly Finding[]> {
  const findings = yield* findFindings(labelled(text, label), rules);
  const shift = labelled("", label).length;
  return findings
    .filter((finding) => finding.end > shift)
    .map(({ type, start, end }) => ({ type, start: Math.max(0, start - shift), end: end - shift }));
}

/** A text as the detectors are shown it. */
export const labelled = (text: string, label: string): string => `${label}: ${text}`;

function* replaceFindings(
  text: string,
  findings: readonly Finding[],
  options: TextRedactionOptions,
): Generator<undefined, string> {
  const mustStayJson = options.isArguments === true ? isJson(text) : isJsonDocument(text);
  yield;
  const edits: readonly Edit[] = mustStayJson ? jsonEdits(text, findings) : findings;
  const stretches: string[] = [];
  let stretch: string[] = [];
  let at = 0;
  for (const [index, { type, start, end, isQuoted = false }] of edits.entries()) {
    const piece = text.slice(start, end);
    const placeholder = options.name(type, mustStayJson && !isQuoted ? unescapedJson(piece) : piece);
    stretch.push(text.slice(at, start), isQuoted ? JSON.stringify(placeholder) : placeholder);
    at = end;
    if (index % EDITS_PER_STEP !== EDITS_PER_STEP - 1) continue;
    // Joined as they come: a hundred thousand pieces at the end would be long work.
    stretches.push(stretch.join(""));
    stretch = [];
    yield;
  }
  return [...stretches, ...stretch, text.slice(at)].join("");
}
