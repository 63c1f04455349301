import type { EntityType } from "../redactor.ts";
import type { TextSurvey } from "../text-survey.ts";

/** Finds one kind of entity. Works on folded text, keeps no state, and never runs a backtracking expression over it. */
export interface Detector {
  readonly type: EntityType;
  /** False only when the survey rules a finding out. */
  canOccur(survey: TextSurvey): boolean;
  /**
   * Reports the findings that start in [from, to), in order, and returns where to go on: `to` or beyond. It may look
   * at the text around them, but its work is linear in what it passes over.
   */
  scan(text: string, pass: ScanPass): number;
}

export interface ScanPass {
  readonly from: number;
  readonly to: number;
  readonly report: (start: number, end: number) => void;
}
