import { wordsAfter, wordsBefore } from "./context-words.ts";
import type { Detector } from "./detector.ts";
import { type DigitRun, endsNumber, forEachDigitRun, readings, startsNumber } from "./digit-runs.ts";
import { passesLuhn } from "./luhn.ts";
import { isNamedOtherwise } from "./phone-context.ts";

const MIN_DIGITS = 12;
const MAX_DIGITS = 19;
/** Shorter numbers, which only Maestro issues, are also what parcels and orders have. */
const MIN_PLAIN = 13;
const CONTEXT_REACH = 40;
const MAX_WORDS_AFTER = 4;
const CONTEXT = new Set(
  "card cards cc pan visa mastercard amex maestro discover diners jcb unionpay credit debit karte kreditkarte carte tarjeta carta cartao kort".split(
    " ",
  ),
);

/** Payment cards: 12 to 19 digits that pass Luhn's check and are numbered as an issuer would, or are called a card. */
export const cardDetector: Detector = {
  type: "CARD",
  canOccur: (survey) => survey.digits >= MIN_DIGITS,
  scan(text, { from, to, report }) {
    return forEachDigitRun(text, { from, to, minDigits: MIN_DIGITS }, (run) => {
      for (const reading of readings(run)) reportCards(text, reading, report);
    });
  },
};

function reportCards(text: string, run: DigitRun, report: (start: number, end: number) => void): void {
  for (let first = 0; first < run.groups.length; first++) {
    const last = lastGroupOfCard(text, run, first);
    if (last === undefined) continue;
    report(run.groups[first]?.start ?? 0, run.groups[last]?.end ?? 0);
    first = last;
  }
}

/** The longest card that starts with this group, as its last group. */
function lastGroupOfCard(text: string, run: DigitRun, first: number): number | undefined {
  // Evenly spaced small groups are a card only if they are all there is.
  if ((run.groups[first]?.digits.length ?? 0) < 4 && run.groups.length > MAX_DIGITS) return undefined;
  let digits = "";
  let found: number | undefined;
  for (let last = first; last < run.groups.length; last++) {
    digits += run.groups[last]?.digits ?? "";
    if (digits.length > MAX_DIGITS) break;
    if (digits.length >= MIN_DIGITS && isCard(text, { run, first, last, digits })) found = last;
  }
  return found;
}

interface Candidate {
  readonly run: DigitRun;
  readonly first: number;
  readonly last: number;
  readonly digits: string;
}

function isCard(text: string, candidate: Candidate): boolean {
  const { run, first, last, digits } = candidate;
  if (!passesLuhn(digits) || !isGroupedLikeCard(candidate) || !standsAlone(candidate)) return false;
  const start = run.groups[first]?.start ?? 0;
  const end = run.groups[last]?.end ?? 0;
  if (!startsNumber(text, start) || !endsNumber(text, end)) return false;
  if (isCalledCard(text, start, end)) return true;
  return isIssued(digits) && !isSpacedWide(candidate) && (digits.length >= MIN_PLAIN || !isNamedOtherwise(text, start));
}

/** Numbers in columns stand as far apart as the groups of a card that is typed carelessly. */
function isSpacedWide({ run, first, last }: Candidate): boolean {
  return run.links.slice(first, last).includes("=");
}

function isCalledCard(text: string, start: number, end: number): boolean {
  if (wordsBefore(text, start, CONTEXT_REACH).some((word) => CONTEXT.has(word))) return true;
  return wordsAfter(text, end, CONTEXT_REACH)
    .slice(0, MAX_WORDS_AFTER)
    .some((word) => CONTEXT.has(word));
}

/** Not a part of a decimal number, nor of a row of equal groups. */
function standsAlone({ run, first, last }: Candidate): boolean {
  const before = run.links[first - 1];
  if (first === last) return before !== "." && run.links[last] !== ".";
  return before !== run.links[first] || run.groups[first - 1]?.digits.length !== run.groups[first]?.digits.length;
}

/** In one piece, in fours (the last may differ), as American Express and Diners print it, or evenly spaced. */
function isGroupedLikeCard({ run, first, last }: Candidate): boolean {
  if (first === last) return true;
  const sizes = run.groups.slice(first, last + 1).map((group) => group.digits.length);
  const shape = sizes.join("-");
  if (shape === "4-6-5" || shape === "4-6-4") return true;
  const size = sizes[0] ?? 0;
  const even = sizes.slice(0, -1).every((length) => length === size);
  const rest = sizes.at(-1) ?? 0;
  if (!even) return false;
  return size === 4 ? rest <= 7 : rest <= size && run.groups.length === sizes.length;
}

/** Number ranges of the networks (ISO/IEC 7812 issuer identifiers) with the lengths that they issue. */
function isIssued(digits: string): boolean {
  const { length } = digits;
  const two = Number(digits.slice(0, 2));
  const four = Number(digits.slice(0, 4));
  if (digits.startsWith("4")) return length === 13 || length === 16 || length === 19;
  if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720)) return length === 16;
  if (two === 34 || two === 37) return length === 15;
  if (two === 36 || two === 38 || two === 39 || (four >= 3000 && four <= 3059) || four === 3095)
    return length === 14 || length >= 16;
  if (two === 35) return length >= 15;
  if (four === 2131 || four === 1800) return length === 15;
  if (four >= 2200 && four <= 2205) return length >= 16;
  if (two === 81 || two === 82 || four === 9792) return length >= 16;
  return two === 50 || (two >= 56 && two <= 69);
}
