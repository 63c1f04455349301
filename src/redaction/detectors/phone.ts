import type { Detector } from "./detector.ts";
import {
  type DigitRun,
  digitsOf,
  endsNumber,
  type Link,
  forEachDigitRun,
  readings,
  startsNumber,
} from "./digit-runs.ts";
import { type Announcement, isLabelledPhone, phoneAnnouncement } from "./phone-context.ts";
import {
  extensionEnd,
  isCompleteOnlyWrapped,
  isPhoneByItself,
  isWrapped,
  type PhoneCandidate,
  prefixStart,
} from "./phone-shape.ts";

/** Six only in three pairs that are plainly called a phone number, as in Greenland. */
const MIN_DIGITS = 6;
const MIN_USUAL_DIGITS = 7;
const MAX_DIGITS = 15;
const ALL_DIGITS = "0123456789";
const MAX_UNBROKEN_DIGITS = 12;
/** `001` or `00` in front of fifteen digits. */
const MAX_WRITTEN_DIGITS = 18;
/** `+1`, `(0)` and an area code such as Stockholm's 8. */
const MAX_SINGLES = 3;

/** Phone numbers: written so that they can be nothing else, or called one by the words around them. */
export const phoneDetector: Detector = {
  type: "PHONE",
  canOccur: (survey) => survey.digits >= MIN_DIGITS,
  scan(text, { from, to, report }) {
    return forEachDigitRun(text, { from, to, minDigits: MIN_DIGITS }, (run) => {
      // A wrapped number is looked for only where no number stands on a line of its own.
      readings(run).some((reading) => reportPhones(text, reading, report));
    });
  },
};

function reportPhones(text: string, run: DigitRun, report: (start: number, end: number) => void): boolean {
  let found = false;
  for (let first = 0; first < run.groups.length; first++) {
    const phone = longestPhone(text, run, first);
    if (phone === undefined) continue;
    report(withoutOuterBracket(text, phone), extensionEnd(text, phone.end));
    found = true;
    first = phone.last;
  }
  return found;
}

/** A bracket that closes behind the number stands around it: `(+46 (0)8 928 571 38)`. */
function withoutOuterBracket(text: string, { start, end }: PhoneCandidate): number {
  const written = text.slice(start, end);
  return written.startsWith("(") && written.split("(").length > written.split(")").length ? start + 1 : start;
}

function longestPhone(text: string, run: DigitRun, first: number): PhoneCandidate | undefined {
  const start = prefixStart(text, run.groups[first]?.start ?? 0);
  if (run.links[first - 1] === "." || !startsNumber(text, start) || isPriced(text, start)) return undefined;
  let announcement: Announcement | undefined;
  const announced = (): Announcement => (announcement ??= phoneAnnouncement(text, start));
  const isInternational = text.slice(start, start + 2).includes("+");
  for (let last = lastReachable(run, first, isInternational); last >= first; last--) {
    const digits = digitsOf(run, first, last);
    if (digits.length < MIN_DIGITS) return undefined;
    const candidate = { text, run, first, last, digits, start, end: run.groups[last]?.end ?? 0 };
    if (isPlausible(candidate) && isPhone(candidate, announced)) return candidate;
  }
  return undefined;
}

/** By its shape, or by the words around it, which are read only if they count. */
function isPhone(candidate: PhoneCandidate, announced: () => Announcement): boolean {
  const { text, digits, end } = candidate;
  if (isWrapped(candidate)) return isCompleteOnlyWrapped(candidate);
  if (digits.length < MIN_USUAL_DIGITS && !isInPairs(candidate)) return false;
  if (digits.length >= MIN_USUAL_DIGITS && isPhoneByItself(candidate)) return true;
  if (!mayBeCalledPhone(candidate)) return false;
  if (announced() === "plain" || (announced() === "hint" && isHintEnough(candidate))) return true;
  return isLabelledPhone(text, extensionEnd(text, end));
}

/** In groups, or in one piece that starts with a trunk prefix: no count and no time does. */
function isHintEnough({ first, last, digits }: PhoneCandidate): boolean {
  if (digits.length < MIN_USUAL_DIGITS || digits === ALL_DIGITS) return false;
  return last > first || (digits.startsWith("0") && digits.length >= 9);
}

function isInPairs({ run, first, last }: PhoneCandidate): boolean {
  const isPair = run.groups.slice(first, last + 1).every(({ digits }) => digits.length === 2);
  return isPair && last - first === 2 && run.links.slice(first, last).every((link) => link === " ");
}

/** A number goes no further than its digits allow, nor across a wide gap or, without a plus, a line break, nor is it spelt. */
function lastReachable(run: DigitRun, first: number, isInternational: boolean): number {
  let mayWrap = isInternational;
  let length = 0;
  let singles = 0;
  let last = first;
  for (let index = first; index < run.groups.length; index++) {
    const size = run.groups[index]?.digits.length ?? 0;
    length += size;
    if (size === 1) singles++;
    if (length > MAX_WRITTEN_DIGITS || singles > MAX_SINGLES) break;
    last = index;
    if (run.links[index] === "\n" && mayWrap) mayWrap = false;
    else if (!joins(run.links[index])) break;
  }
  return last;
}

function joins(link: Link | undefined): boolean {
  return link !== undefined && link !== "\n" && link !== "=" && link !== "_";
}

/** Thirteen digits in one piece are milliseconds, however near the word `message` stands. */
function mayBeCalledPhone({ first, last, digits }: PhoneCandidate): boolean {
  return digits.length <= (first === last ? MAX_UNBROKEN_DIGITS : MAX_DIGITS) && Number(digits) > 0;
}

/** `$1234567` and `#1234567` are a price and a reference. */
function isPriced(text: string, start: number): boolean {
  return start > 0 && "$€£¥#".includes(text.charAt(start - 1));
}

function isPlausible({ text, run, first, last, end }: PhoneCandidate): boolean {
  if (!endsNumber(text, end) && extensionEnd(text, end) === end) return false;
  if (run.links[last] === "." || isDecimal(run, first, last)) return false;
  return !holdsDate(run, first, last) && !isYears(run, first, last);
}

/** 2006-2022 */
function isYears(run: DigitRun, first: number, last: number): boolean {
  const years = run.groups.slice(first, last + 1).map(({ digits }) => digits);
  return years.length === 2 && run.links[first] === "-" && years.every(isYear);
}

function isDecimal(run: DigitRun, first: number, last: number): boolean {
  return last - first === 1 && run.links[first] === "." && (run.groups[first]?.digits.length ?? 0) < 3;
}

const DATE_LINKS: readonly string[] = ["-", ".", "/"];

function holdsDate(run: DigitRun, first: number, last: number): boolean {
  for (let index = first; index + 2 <= last; index++) {
    const link = run.links[index];
    if (link !== run.links[index + 1] || !DATE_LINKS.includes(link ?? "")) continue;
    const [one = "", two = "", three = ""] = run.groups.slice(index, index + 3).map((group) => group.digits);
    if (isYear(one) && isDayOrMonth(two) && isDayOrMonth(three)) return true;
    if (isDayOrMonth(one) && isDayOrMonth(two) && isYear(three)) return true;
  }
  return false;
}

function isYear(digits: string): boolean {
  return digits.length === 4 && (digits.startsWith("19") || digits.startsWith("20"));
}

function isDayOrMonth(digits: string): boolean {
  return digits.length <= 2 && Number(digits) > 0 && Number(digits) <= 31;
}
