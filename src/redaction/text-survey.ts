import { isAlphanumeric, isDigit } from "./characters.ts";

/** What one cheap pass learns about a text, so that most detectors never have to look at most texts. */
export interface TextSurvey {
  digits: number;
  atSigns: number;
  colons: number;
  equalSigns: number;
  /** Length of the longest run of letters, digits and the punctuation that keys are made of. */
  longestToken: number;
  /** Brackets may open placeholders. */
  brackets: number;
  /** True when matching needs a folded copy because of other scripts or escapes. */
  needsFolding: boolean;
}

const TOKEN = 1;
const DIGIT = 2;
const AT = 4;
const COLON = 8;
const EQUALS = 16;
const BRACKET = 32;
const FOLDS = 64;

const CLASSES = new Uint8Array(128).map((_, unit) => {
  const character = String.fromCharCode(unit);
  const token = isAlphanumeric(unit) || "_-.~+/=|".includes(character) ? TOKEN : 0;
  const digit = isDigit(unit) ? DIGIT : 0;
  const mark = { "@": AT, ":": COLON, "=": EQUALS, ">": EQUALS, "\\": FOLDS, "%": FOLDS, "&": FOLDS, "[": BRACKET }[
    character
  ];
  return token | digit | (mark ?? 0);
});

export function createSurvey(): TextSurvey {
  return { digits: 0, atSigns: 0, colons: 0, equalSigns: 0, longestToken: 0, brackets: 0, needsFolding: false };
}

/** Adds text[from, to) to the survey. A token that crosses a border is counted from the border on. */
export function surveyText(survey: TextSurvey, text: string, { from, to }: { from: number; to: number }): void {
  let token = 0;
  for (let at = from; at < to; at++) {
    const unit = text.charCodeAt(at);
    const kind = unit < 128 ? (CLASSES[unit] ?? 0) : FOLDS;
    if ((kind & TOKEN) !== 0) token++;
    else {
      if (token > survey.longestToken) survey.longestToken = token;
      token = 0;
    }
    if (kind > TOKEN) count(survey, kind);
  }
  if (token > survey.longestToken) survey.longestToken = token;
}

function count(survey: TextSurvey, kind: number): void {
  if ((kind & DIGIT) !== 0) survey.digits++;
  else if ((kind & AT) !== 0) survey.atSigns++;
  else if ((kind & COLON) !== 0) survey.colons++;
  else if ((kind & EQUALS) !== 0) survey.equalSigns++;
  else if ((kind & BRACKET) !== 0) survey.brackets++;
  else survey.needsFolding = true;
}
