import { characterSet, isAlphanumeric, isAsciiLetter, isBlank, isDigit, isLineBreak } from "../characters.ts";

/** Digits without anything between them. */
export interface DigitGroup {
  readonly start: number;
  readonly end: number;
  readonly digits: string;
}

/** What stands between two groups: a blank, one mark, brackets, a line break, or wide white space. */
export type Link = " " | "-" | "." | "/" | "_" | "(" | "\n" | "=";

/** Groups of digits that may belong together; `links[i]` stands between `groups[i]` and `groups[i + 1]`. */
export interface DigitRun {
  readonly groups: readonly DigitGroup[];
  readonly links: readonly Link[];
  /** Where to look for the next run. Long runs come in pieces that overlap by more than one number. */
  readonly next: number;
}

const MAX_GROUPS = 48;
const OVERLAP_GROUPS = 20;
const MAX_LINK = 16;
const MAX_DIGITS = 40;

/** Calls back with every run that starts in [from, to) and has enough digits; returns where to go on. */
export function forEachDigitRun(
  text: string,
  { from, to, minDigits }: RunSearch,
  use: (run: DigitRun) => void,
): number {
  let at = from;
  while (at < to) {
    if (!isDigit(text.charCodeAt(at))) at++;
    else {
      const end = endOfScarceDigits(text, at, minDigits);
      if (end === undefined) {
        const run = readRun(text, at);
        use(run);
        at = run.next;
      } else at = end;
    }
  }
  return at;
}

interface RunSearch {
  readonly from: number;
  readonly to: number;
  readonly minDigits: number;
}

/** Where a run ends that has too few digits to be worth reading, which is nearly every run. */
function endOfScarceDigits(text: string, from: number, minDigits: number): number | undefined {
  let digits = 0;
  let at = from;
  for (; isDigit(text.charCodeAt(at)) || isLinkUnit(text.charCodeAt(at)); at++) {
    if (isDigit(text.charCodeAt(at)) && ++digits >= minDigits) return undefined;
  }
  return at;
}

function readRun(text: string, from: number): DigitRun {
  const groups = [readGroup(text, from)];
  const links: Link[] = [];
  let end = groups[0]?.end ?? from;
  while (groups.length < MAX_GROUPS) {
    const link = readLink(text, end);
    if (link === undefined) return { groups, links, next: end };
    const group = readGroup(text, link.end);
    links.push(link.kind);
    groups.push(group);
    end = group.end;
  }
  return { groups, links, next: groups[MAX_GROUPS - OVERLAP_GROUPS]?.start ?? end };
}

/** Stops in digits that go on too long for any number; what is left of them starts after a digit, so it is none either. */
function readGroup(text: string, start: number): DigitGroup {
  let end = start;
  while (end - start < MAX_DIGITS && isDigit(text.charCodeAt(end))) end++;
  return { start, end, digits: text.slice(start, end) };
}

function readLink(text: string, from: number): { kind: Link; end: number } | undefined {
  let blanks = 0;
  let breaks = 0;
  let marks = "";
  for (let at = from; at - from <= MAX_LINK; at++) {
    const unit = text.charCodeAt(at);
    if (isDigit(unit)) {
      const kind = at > from ? linkKind(marks, blanks, breaks) : undefined;
      return kind === undefined ? undefined : { kind, end: at };
    }
    if (isBlank(unit)) blanks++;
    else if (isLineBreak(unit)) breaks++;
    else if (LINK_MARKS.includes(text.charAt(at)) && marks.length < 3) marks += text.charAt(at);
    else return undefined;
  }
  return undefined;
}

const LINK_MARKS = "-./_()";
const isLinkUnit = characterSet(`${LINK_MARKS} \t\r\n`);

function linkKind(marks: string, blanks: number, breaks: number): Link | undefined {
  if (marks.includes("(") || marks.includes(")"))
    return breaks === 0 && blanks < 3 && !marks.includes("/") ? "(" : undefined;
  if (marks === "-") return "-";
  if (marks === "." || marks === "/" || marks === "_")
    return blanks === 0 || breaks > 0 || (marks === "/" && blanks === 2) ? marks : undefined;
  if (marks !== "") return undefined;
  if (breaks > 0) return breaks < 3 ? "\n" : undefined;
  return blanks === 1 ? " " : "=";
}

/** The run read as if its line break number `index` were not there: a number that was wrapped in its middle. */
export function joinAt(run: DigitRun, index: number): DigitRun {
  const left = run.groups[index];
  const right = run.groups[index + 1];
  if (left === undefined || right === undefined) return run;
  const joined = { start: left.start, end: right.end, digits: left.digits + right.digits };
  return {
    groups: [...run.groups.slice(0, index), joined, ...run.groups.slice(index + 2)],
    links: [...run.links.slice(0, index), ...run.links.slice(index + 1)],
    next: run.next,
  };
}

/** The run as it stands, then with each of its line breaks taken out; columns of numbers are not put together. */
export function readings(run: DigitRun): DigitRun[] {
  const breaks: number[] = [];
  for (let index = 0; index < run.links.length && breaks.length <= MAX_BREAKS; index++) {
    if (run.links[index] === "\n") breaks.push(index);
  }
  return breaks.length > MAX_BREAKS ? [run] : [run, ...breaks.map((index) => joinAt(run, index))];
}

const MAX_BREAKS = 3;

/** The digits of groups[first..last]. */
export function digitsOf(run: DigitRun, first: number, last: number): string {
  let digits = "";
  for (let index = first; index <= last; index++) digits += run.groups[index]?.digits ?? "";
  return digits;
}

const MIN_GLUED_WORD = 3;

/** Whether a number may start here: not inside a word, an identifier or hexadecimal; `card4111…` and `_4111…` are fine. */
export function startsNumber(text: string, at: number): boolean {
  if (!isAlphanumeric(text.charCodeAt(at - 1))) return true;
  let word = at;
  while (at - word < 20 && isAsciiLetter(text.charCodeAt(word - 1))) word--;
  return at - word >= MIN_GLUED_WORD && !isAlphanumeric(text.charCodeAt(word - 1));
}

/** Whether a number may end here: not before a letter, a digit, or a per cent sign. */
export function endsNumber(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return !isAlphanumeric(unit) && unit !== 37;
}
