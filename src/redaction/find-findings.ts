import { countPlaceholders } from "./count-placeholders.ts";
import type { Detector } from "./detectors/detector.ts";
import { touchesUuid } from "./detectors/uuid.ts";
import { type FoldedText, foldText, originalRange } from "./fold-text.ts";
import { ENTITY_PRIORITY } from "./placeholder.ts";
import type { Finding } from "./redactor.ts";
import { hasSpelledMark } from "./spelled-marks.ts";
import { createSurvey, surveyText, type TextSurvey } from "./text-survey.ts";

const UNITS_PER_STEP = 1024;
const SURVEY_UNITS_PER_STEP = 65_536;
/** Tokens this long are looked at for base64 payloads, which the fold leaves out. */
const LONG_TOKEN = 256;

/** Every finding of a text, in order and without overlap. Yields between steps of work, never in a short text. */
export function* findFindings(
  source: string,
  detectors: readonly Detector[],
): Generator<undefined, readonly Finding[]> {
  const survey = yield* surveyed(source);
  if (!mustFold(source, survey))
    return yield* detect({ text: source, starts: undefined }, { source, survey, detectors });
  const folded = yield* foldText(source);
  return yield* detect(folded, { source, survey: yield* surveyed(folded.text), detectors });
}

function* surveyed(text: string): Generator<undefined, TextSurvey> {
  const survey = createSurvey();
  for (let from = 0; from < text.length; from += SURVEY_UNITS_PER_STEP) {
    if (from > 0) yield;
    surveyText(survey, text, { from, to: Math.min(text.length, from + SURVEY_UNITS_PER_STEP) });
  }
  return survey;
}

function mustFold(source: string, survey: TextSurvey): boolean {
  if (survey.needsFolding || (survey.brackets > 0 && countPlaceholders(source) > 0)) return true;
  if (hasSpelledMark(source)) return true;
  return survey.longestToken >= LONG_TOKEN && source.includes(";base64,");
}

const NUMBERS = new Set<string>(["CARD", "IBAN", "PHONE", "SSN"]);

interface Search {
  readonly source: string;
  readonly survey: TextSurvey;
  readonly detectors: readonly Detector[];
}

function* detect(folded: FoldedText, { source, survey, detectors }: Search): Generator<undefined, readonly Finding[]> {
  const findings: Finding[] = [];
  for (const detector of detectors) {
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
  return findings.length < 2 ? findings : withoutOverlaps(findings);
}

const PRIORITY = new Map(ENTITY_PRIORITY.map((type, index) => [type, index]));

/** Of two that overlap the surer type wins, then the longer one; what is left of the loser is searched again later. */
function withoutOverlaps(findings: Finding[]): readonly Finding[] {
  const inOrder = findings.toSorted((one, other) => one.start - other.start || other.end - one.end);
  const kept: Finding[] = [];
  for (const finding of inOrder) {
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
  const rank = (PRIORITY.get(finding.type) ?? 0) - (PRIORITY.get(other.type) ?? 0);
  return rank < 0 || (rank === 0 && finding.end - finding.start > other.end - other.start);
}
