import { createRequire } from "node:module";

import type * as PhoneNumbers from "libphonenumber-js/min";

import { isAlphanumeric, isBlank, isDigit } from "../characters.ts";
import { type DigitRun, digitsOf, type Link } from "./digit-runs.ts";
import { isNamedOtherwise } from "./phone-context.ts";

const require = createRequire(import.meta.url);
// What is missing is missed at the start all the same.
require.resolve("libphonenumber-js/min");

/** Loaded with the first text that may hold a number: 90 files, which a start need not wait for. Node keeps it. */
const loadPhoneNumbers = () => require("libphonenumber-js/min") as typeof PhoneNumbers;

export interface PhoneCandidate {
  readonly text: string;
  readonly run: DigitRun;
  readonly first: number;
  readonly last: number;
  readonly digits: string;
  /** With its opening bracket and plus sign. */
  readonly start: number;
  readonly end: number;
}

/** Where national numbers are tried; a number of another country is found by its `+`, its shape or its context. */
const REGIONS: readonly PhoneNumbers.CountryCode[] = [
  "US",
  "GB",
  "DE",
  "FR",
  "ES",
  "IT",
  "NL",
  "BE",
  "AU",
  "BR",
  "IN",
  "JP",
  "SE",
  "ZA",
];
const MAX_EXTENSION_DIGITS = 6;
const EXTENSION_MARKS = ["extension", "durchwahl", "extn", "ext", "x", "#"];
const MAX_MARK = 12;

/** Whether the way it is written alone makes it a phone number. */
export function isPhoneByItself(candidate: PhoneCandidate): boolean {
  const { text, digits } = candidate;
  if (hasPlus(candidate)) return isInternational(`+${digits}`);
  if (isPartOfTable(candidate) || isHyphenated(text, candidate.end)) return false;
  if (isPartOfCode(candidate) || isNamedOtherwise(text, candidate.start)) return false;
  if (digits.startsWith("00")) return candidate.last > candidate.first && isInternational(`+${digits.slice(2)}`);
  if (digits.startsWith("011") && isDialledAbroad(candidate)) return true;
  return isNorthAmerican(candidate) || isRussian(candidate) || isBracketed(candidate) || hasTrunkPrefix(candidate);
}

/** 011 44 20 7946 0018, as North America dials other countries. */
function isDialledAbroad({ run, first, last, digits }: PhoneCandidate): boolean {
  return run.groups[first]?.digits === "011" && last - first > 2 && isInternational(`+${digits.slice(3)}`);
}

/** 8 (495) 123-45-67 */
function isRussian({ run, first, last, digits }: PhoneCandidate): boolean {
  if (digits.length !== 11 || !digits.startsWith("8")) return false;
  const sizes = run.groups.slice(first, last + 1).map((group) => group.digits.length);
  return sizes.join("-") === "1-3-3-2-2" && isValidNational(digits, ["RU"]);
}

/** The line break inside a number that is complete only with what follows it: `+46 8 928` / `571 38`. */
export function isWrapped({ run, first, last }: PhoneCandidate): boolean {
  return run.links.slice(first, last).includes("\n");
}

export function isCompleteOnlyWrapped(candidate: PhoneCandidate): boolean {
  const { run, first, digits } = candidate;
  if (!hasPlus(candidate)) return false;
  const head = digitsOf(run, first, run.links.indexOf("\n", first));
  return isValidInternational(`+${digits}`) && !isValidInternational(`+${head}`);
}

function isValidInternational(number: string): boolean {
  return parsePhone(number, { extract: false })?.isValid() ?? false;
}

/** A plus right in front, or in front of grouped digits: `a + 31536000000` is a sum. */
function hasPlus({ text, start, first, last }: PhoneCandidate): boolean {
  const plus = text.slice(start, start + 2).indexOf("+");
  return plus >= 0 && (first < last || !isBlank(text.charCodeAt(start + plus + 1)));
}

/** `01-23-45-67-89-AB` is an address of another kind. */
function isHyphenated(text: string, end: number): boolean {
  return text.charAt(end) === "-" && isAlphanumeric(text.charCodeAt(end + 1));
}

/** `PO-0951-417987` */
function isPartOfCode({ text, start }: PhoneCandidate): boolean {
  return text.charAt(start - 1) === "-" && isAlphanumeric(text.charCodeAt(start - 2));
}

/** A row of equally joined groups is not cut into phone numbers. */
function isPartOfTable({ run, first, last }: PhoneCandidate): boolean {
  const inner = new Set<Link | undefined>(run.links.slice(first, last));
  return inner.has(run.links[first - 1]) || inner.has(run.links[last]);
}

const parsePhone = (number: string, options: { defaultCountry?: PhoneNumbers.CountryCode; extract: false }) =>
  loadPhoneNumbers().parsePhoneNumberFromString(number, options);

function isInternational(number: string): boolean {
  return parsePhone(number, { extract: false })?.isPossible() ?? false;
}

function isValidNational(digits: string, regions: readonly PhoneNumbers.CountryCode[]): boolean {
  return regions.some((region) => parsePhone(digits, { defaultCountry: region, extract: false })?.isValid() ?? false);
}

/** 555-123-4567, 555.123.4567, (555) 123-4567, 1-555-123-4567; with blanks only when the area code exists. */
function isNorthAmerican({ run, first, last, digits }: PhoneCandidate): boolean {
  const sizes = run.groups.slice(first, last + 1).map((group) => group.digits.length);
  const national = sizes.join("-").endsWith("3-3-4") ? digits.slice(-10) : "";
  const prefix = digits.slice(0, -10);
  if (national < "2" || !(sizes.length === 3 ? prefix === "" : sizes.length === 4 && prefix === "1")) return false;
  const [one, two] = run.links.slice(last - 2, last);
  if (one === "(") return two !== "/" && two !== "_";
  if (one !== two) return false;
  return one === " " ? isValidNational(national, ["US"]) : one === "-" || one === ".";
}

/** (0711) 123 45 67: an area code in brackets, unless it looks like a year. */
function isBracketed({ text, run, first, last, digits, start }: PhoneCandidate): boolean {
  const area = run.groups[first]?.digits ?? "";
  const isOpened = text.charAt(start) === "(" && text.charAt(run.groups[first]?.end ?? 0) === ")";
  if (!isOpened || last === first || area.length > 5 || digits.length > 12) return false;
  return (area.startsWith("0") && digits.length >= 9) || (area.length !== 4 && isValidNational(digits, REGIONS));
}

/** 0490 75 40 81, 01.84.17.61.18, 0171/2345678: a trunk prefix and groups of two or more. */
function hasTrunkPrefix({ run, first, last, digits }: PhoneCandidate): boolean {
  if (digits.length < 9 || digits.length > 11 || !digits.startsWith("0") || digits.charAt(1) === "0") return false;
  const groups = run.groups.slice(first, last + 1);
  const lead = groups[0]?.digits.length ?? 0;
  if (groups.length < 2 || lead < 2 || lead > 6 || groups.some((group) => group.digits.length < 2)) return false;
  const kinds = new Set(run.links.slice(first, last));
  if (kinds.has("_") || kinds.has("(") || isZipCode(groups, run.links[first])) return false;
  return (groups.length > 2 && kinds.size === 1) || isValidNational(digits, REGIONS);
}

/** MA 02110-1301: a postal code of New England, in the header of many a source file. */
function isZipCode(groups: DigitRun["groups"], link: Link | undefined): boolean {
  const [area, route] = groups.map(({ digits }) => digits.length);
  return groups.length === 2 && link === "-" && area === 5 && route === 4;
}

/** Takes in `+`, `(` and `(+` in front of the digits. */
export function prefixStart(text: string, digitsStart: number): number {
  let start = digitsStart;
  if (text.charAt(start - 1) === "(") start--;
  const plus = isBlank(text.charCodeAt(start - 1)) && text.charAt(start - 2) === "+" ? start - 2 : start - 1;
  if (start > 0 && text.charAt(plus) === "+") start = plus;
  return start < digitsStart && text.charAt(start) === "+" && text.charAt(start - 1) === "(" ? start - 1 : start;
}

/** Where the number ends with its extension: `x4587`, ` ext. 12`, ` (ext. 12)`; `end` when it has none. */
export function extensionEnd(text: string, end: number): number {
  let at = end;
  while (at - end < 2 && (isBlank(text.charCodeAt(at)) || text.charAt(at) === ",")) at++;
  const isBracketed = text.charAt(at) === "(";
  if (isBracketed) at++;
  const tail = text.slice(at, at + MAX_MARK).toLowerCase();
  const mark = EXTENSION_MARKS.find((candidate) => tail.startsWith(candidate));
  if (mark === undefined) return end;
  at += mark.length;
  if (text.charAt(at) === "." || text.charAt(at) === ":") at++;
  if (isBlank(text.charCodeAt(at))) at++;
  let after = at;
  while (after - at < MAX_EXTENSION_DIGITS && isDigit(text.charCodeAt(after))) after++;
  if (after === at || isAlphanumeric(text.charCodeAt(after))) return end;
  if (!isBracketed) return after;
  return text.charAt(after) === ")" ? after + 1 : end;
}
