import { isAlphanumeric } from "./characters.ts";

export interface DecodedEscape {
  readonly codePoint: number;
  /** Where the text goes on after the escape. */
  readonly end: number;
}

const BACKSLASH = 92;
const CONTROL_ESCAPES: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, b: 8, f: 12, "/": 47, '"': 34 };
const ENTITIES: Readonly<Record<string, number>> = {
  commat: 64,
  period: 46,
  lowbar: 95,
  plus: 43,
  hyphen: 45,
  dash: 45,
  nbsp: 32,
  quot: 34,
  amp: 38,
  lt: 60,
  gt: 62,
};
const MAX_BACKSLASHES = 16;
const MAX_ENTITY = 10;

/** Reads a JSON, URL or HTML escape at `at`; `undefined` when the character only stands for itself. */
export function decodeEscape(source: string, at: number): DecodedEscape | undefined {
  const unit = source.charCodeAt(at);
  if (unit === BACKSLASH) return decodeBackslashes(source, at);
  return unit === 37 ? decodePercent(source, at) : decodeEntity(source, at);
}

/** Text that was encoded twice has two backslashes, three times four: any number of them is one escape. */
function decodeBackslashes(source: string, at: number): DecodedEscape | undefined {
  let letter = at + 1;
  while (source.charCodeAt(letter) === BACKSLASH && letter - at < MAX_BACKSLASHES) letter++;
  const name = source.charAt(letter);
  if (name === "u") return decodeUnicode(source, letter + 1);
  const codePoint = CONTROL_ESCAPES[name];
  return codePoint === undefined ? undefined : { codePoint, end: letter + 1 };
}

function decodeUnicode(source: string, digits: number): DecodedEscape | undefined {
  const high = hexadecimal(source, digits, 4);
  if (high === undefined) return undefined;
  const end = digits + 4;
  if (high < 0xd800 || high > 0xdbff || source.charCodeAt(end) !== BACKSLASH) return { codePoint: high, end };
  let letter = end + 1;
  while (source.charCodeAt(letter) === BACKSLASH && letter - end < MAX_BACKSLASHES) letter++;
  const low = source.charAt(letter) === "u" ? hexadecimal(source, letter + 1, 4) : undefined;
  if (low === undefined || low < 0xdc00 || low > 0xdfff) return { codePoint: high, end };
  return { codePoint: 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), end: letter + 5 };
}

function decodePercent(source: string, at: number): DecodedEscape | undefined {
  const codePoint = hexadecimal(source, at + 1, 2);
  return codePoint !== undefined && codePoint >= 32 && codePoint < 127 ? { codePoint, end: at + 3 } : undefined;
}

function decodeEntity(source: string, at: number): DecodedEscape | undefined {
  let end = at + 1;
  if (source.charCodeAt(end) === 35) end++;
  while (end - at < MAX_ENTITY && isAlphanumeric(source.charCodeAt(end))) end++;
  if (source.charCodeAt(end) !== 59) return undefined;
  const name = source.slice(at + 1, end);
  const codePoint = name.startsWith("#") ? numericEntity(name.slice(1)) : ENTITIES[name];
  return codePoint === undefined ? undefined : { codePoint, end: end + 1 };
}

function numericEntity(digits: string): number | undefined {
  const codePoint = Number(digits.startsWith("x") || digits.startsWith("X") ? `0${digits}` : digits);
  return Number.isInteger(codePoint) && codePoint > 0 && codePoint <= 0x10ffff ? codePoint : undefined;
}

function hexadecimal(source: string, at: number, length: number): number | undefined {
  let value = 0;
  for (let index = 0; index < length; index++) {
    const digit = hexadecimalDigit(source.charCodeAt(at + index));
    if (digit < 0) return undefined;
    value = value * 16 + digit;
  }
  return value;
}

function hexadecimalDigit(unit: number): number {
  if (unit >= 48 && unit <= 57) return unit - 48;
  const lower = unit | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
