import type { Detector } from "./detectors/detector.ts";
import { mustFold, UNITS_PER_STEP } from "./find-findings.ts";
import { foldText } from "./fold-text.ts";
import type { SearchRules } from "./search-rules.ts";
import { createSurvey, surveyText, type TextSurvey } from "./text-survey.ts";

/**
 * Whether nothing is in a text, as in most, seen in one step of work. False is no finding: it leaves a text to
 * `findFindings`, as it does every longer one.
 */
export function isClear(source: string, rules: SearchRules): boolean {
  let text = source;
  if (text.length > UNITS_PER_STEP) return false;
  let survey = surveyOf(text);
  if (mustFold(source, { survey, rules })) {
    ({ text } = inOneStep(foldText(source, rules.placeholders)));
    if (text.length > UNITS_PER_STEP) return false;
    survey = surveyOf(text);
  }
  return !rules.detectors.some((detector) => detector.canOccur(survey) && reports(detector, text));
}

function surveyOf(text: string): TextSurvey {
  const survey = createSurvey();
  surveyText(survey, text, { from: 0, to: text.length });
  return survey;
}

function inOneStep<Outcome>(work: Generator<undefined, Outcome>): Outcome {
  const step = work.next();
  if (step.done !== true) throw new TypeError("a short text that takes more than one step");
  return step.value;
}

function reports(detector: Detector, text: string): boolean {
  let isFound = false;
  const report = (): void => {
    isFound = true;
  };
  for (let from = 0; from < text.length && !isFound;) from = detector.scan(text, { from, to: text.length, report });
  return isFound;
}
