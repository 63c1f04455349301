import { wordsAfter, wordsBefore } from "./context-words.ts";
import type { Detector } from "./detector.ts";
import { type DigitRun, digitsOf, endsNumber, forEachDigitRun, readings, startsNumber } from "./digit-runs.ts";

const CONTEXT_REACH = 40;
const MAX_GROUPS = 5;
const AFTER_REACH = 32;
const CONTEXT = new Set(["ssn", "ssns", "social", "socialsecurity", "soc"]);
/** Said of the number after it: `… is my social security number`. */
const VERDICTS = new Set(["ssn", "social"]);
const PHONE_CONTEXT = new Set(["phone", "tel", "telephone", "mobile", "cell", "fax", "call"]);

/** US social security numbers: 3-2-4 with one kind of separator, or nine digits that are called one. */
export const ssnDetector: Detector = {
  type: "SSN",
  canOccur: (survey) => survey.digits >= 9,
  scan(text, { from, to, report }) {
    return forEachDigitRun(text, { from, to, minDigits: 9 }, (run) => {
      for (const reading of readings(run)) reportNumbers(text, reading, report);
    });
  },
};

function reportNumbers(text: string, run: DigitRun, report: (start: number, end: number) => void): void {
  for (let first = 0; first < run.groups.length; first++) {
    const last = lastGroupOfNumber(text, run, first);
    if (last === undefined) continue;
    report(run.groups[first]?.start ?? 0, run.groups[last]?.end ?? 0);
    first = last;
  }
}

function lastGroupOfNumber(text: string, run: DigitRun, first: number): number | undefined {
  const start = run.groups[first]?.start ?? 0;
  let length = 0;
  for (let last = first; last < run.groups.length && last - first < MAX_GROUPS && length < 9; last++) {
    length += run.groups[last]?.digits.length ?? 0;
    if (length !== 9) continue;
    const end = run.groups[last]?.end ?? 0;
    if (!isAssignable(digitsOf(run, first, last)) || !startsNumber(text, start) || !endsNumber(text, end))
      return undefined;
    // `+688-90-1234` is a phone number.
    if (text.charAt(start - 1) === "+") return undefined;
    return isWrittenLikeNumber(text, { run, first, last }) || isCalledNumber(text, { start, end }) ? last : undefined;
  }
  return undefined;
}

interface Candidate {
  readonly run: DigitRun;
  readonly first: number;
  readonly last: number;
}

function isWrittenLikeNumber(text: string, { run, first, last }: Candidate): boolean {
  const [area, group, serial] = run.groups.slice(first, last + 1).map((part) => part.digits.length);
  if (last - first !== 2 || area !== 3 || group !== 2 || serial !== 4) return false;
  const kinds = new Set(run.links.slice(first, last).filter((link) => link !== "\n"));
  const [kind] = kinds;
  if (kinds.size !== 1 || kind === undefined || kind === "(" || kind === "=") return false;
  if (run.links[first - 1] === kind || run.links[last] === kind) return false;
  return (
    kind === "-" ||
    !wordsBefore(text, run.groups[first]?.start ?? 0, CONTEXT_REACH).some((word) => PHONE_CONTEXT.has(word))
  );
}

function isCalledNumber(text: string, { start, end }: { start: number; end: number }): boolean {
  const before = wordsBefore(text, start, CONTEXT_REACH);
  if (before.some((word, index) => CONTEXT.has(word) || isAbbreviated(before, index))) return true;
  const [verb, ...rest] = wordsAfter(text, end, AFTER_REACH);
  return verb === "is" && rest.slice(0, 3).some((word) => VERDICTS.has(word));
}

/** `S.S.N.` and `SS number`, nearest word first. */
function isAbbreviated(before: readonly string[], index: number): boolean {
  const [last, middle, first] = before.slice(index, index + 3);
  return (last === "n" && middle === "s" && first === "s") || ((last === "number" || last === "no") && middle === "ss");
}

/** The Social Security Administration never assigns area 000, 666 and 900 to 999, group 00, serial 0000. */
function isAssignable(digits: string): boolean {
  const area = digits.slice(0, 3);
  return area !== "000" && area !== "666" && area < "900" && digits.slice(3, 5) !== "00" && digits.slice(5) !== "0000";
}
