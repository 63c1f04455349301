import { touchesUuid } from "./detectors/uuid.ts";
import { type FoldedText, foldText, originalRange } from "./fold-text.ts";
import { ENTITY_PRIORITY } from "./placeholder.ts";
import type { Finding } from "./redactor.ts";
import type { SearchRules } from "./search-rules.ts";
import { hasSpelledMark } from "./spelled-marks.ts";
import { createSurvey, surveyText, type TextSurvey } from "./text-survey.ts";

/** What one detector may read without a pause. */
export const UNITS_PER_STEP = 1024;
const SURVEY_UNITS_PER_STEP = 65_536;
const FINDINGS_PER_STEP = 4096;
/** Tokens this long are looked at for base64 payloads, which the fold leaves out. */
const LONG_TOKEN = 256;

/** Every finding of a text, in order and without overlap. Yields between steps of work, never in a short text. */
export function* findFindings(source: string, rules: SearchRules): Generator<undefined, readonly Finding[]> {
  const survey = yield* surveyed(source);
  if (!mustFold(source, { survey, rules }))
    return yield* detect({ text: source, starts: undefined }, { source, survey, rules });
  const folded = yield* foldText(source, rules.placeholders);
  return yield* detect(folded, { source, survey: yield* surveyed(folded.text), rules });
}

function* surveyed(text: string): Generator<undefined, TextSurvey> {
  const survey = createSurvey();
  for (let from = 0; from < text.length; from += SURVEY_UNITS_PER_STEP) {
    if (from > 0) yield;
    surveyText(survey, text, { from, to: Math.min(text.length, from + SURVEY_UNITS_PER_STEP) });
  }
  return survey;
}

export function mustFold(source: string, { survey, rules }: Omit<Search, "source">): boolean {
  if (survey.needsFolding || (survey.brackets > 0 && rules.placeholders.isIn(source))) return true;
  if (hasSpelledMark(source)) return true;
  return survey.longestToken >= LONG_TOKEN && source.includes(";base64,");
}

const NUMBERS = new Set<string>(["CARD", "IBAN", "PHONE", "SSN"]);

interface Search {
  readonly source: string;
  readonly survey: TextSurvey;
  readonly rules: SearchRules;
}

function* detect(folded: FoldedText, { source, survey, rules }: Search): Generator<undefined, readonly Finding[]> {
  const findings: Finding[] = [];
  for (const detector of rules.detectors) {
    if (!detector.canOccur(survey)) continue;
    const mayBeUuid = NUMBERS.has(detector.type);
    const report = (start: number, end: number): void => {
      if (mayBeUuid && touchesUuid(folded.text, start, end)) return;
      findings.push({ type: detector.type, ...originalRange(folded, { start, end }, source.length) });
    };
    const { length } = folded.text;
    for (let from = 0; from < length;) {
      if (from > 0) yield;
      from = detector.scan(folded.text, { from, to: Math.min(length, from + UNITS_PER_STEP), report });
    }
  }
  if (findings.length === 0) return findings;
  const wanted = yield* withoutAllowed(findings, ({ type, start, end }) =>
    rules.isAllowed(type, source.slice(start, end)),
  );
  return wanted.length < 2 ? wanted : yield* withoutOverlaps(wanted);
}

/** Whether so many are a step of work. A short text has never so many. */
const isStep = (findings: number): boolean => findings % FINDINGS_PER_STEP === FINDINGS_PER_STEP - 1;

/** An allowed value stays whole: what others found inside it stays too. */
function* withoutAllowed(
  findings: Finding[],
  isAllowed: (finding: Finding) => boolean,
): Generator<undefined, Finding[]> {
  const allowed: Finding[] = [];
  for (const [index, finding] of findings.entries()) {
    if (isAllowed(finding)) allowed.push(finding);
    if (isStep(index)) yield;
  }
  if (allowed.length === 0) return findings;
  allowed.sort((one, other) => one.start - other.start);
  let next = 0;
  return findings
    .toSorted((one, other) => one.start - other.start)
    .filter(({ start, end }) => {
      while ((allowed[next]?.end ?? Infinity) <= start) next++;
      const range = allowed[next];
      return range === undefined || start < range.start || end > range.end;
    });
}

const PRIORITY = new Map<string, number>(ENTITY_PRIORITY.map((type, index) => [type, index]));

/** Of two that overlap the surer type wins, then the longer one; what is left of the loser is searched again later. */
function* withoutOverlaps(findings: Finding[]): Generator<undefined, readonly Finding[]> {
  const inOrder = findings.toSorted((one, other) => one.start - other.start || other.end - one.end);
  const kept: Finding[] = [];
  for (const [index, finding] of inOrder.entries()) {
    if (isStep(index)) yield;
    let isBeaten = false;
    while (!isBeaten && (kept.at(-1)?.end ?? 0) > finding.start) {
      isBeaten = !beats(finding, kept.at(-1));
      if (!isBeaten) kept.pop();
    }
    if (!isBeaten) kept.push(finding);
  }
  return kept;
}

function beats(finding: Finding, other: Finding | undefined): boolean {
  if (other === undefined) return true;
  const rank = rankOf(finding) - rankOf(other);
  return rank < 0 || (rank === 0 && finding.end - finding.start > other.end - other.start);
}

const rankOf = ({ type }: Finding): number => PRIORITY.get(type) ?? ENTITY_PRIORITY.length;
