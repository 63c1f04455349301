import { isAlphanumeric, isAsciiLetter, isDigit, isLineBreak, isWhiteSpace } from "../characters.ts";
import type { Detector } from "./detector.ts";

/** Lengths from the SWIFT IBAN registry, and of the countries that use the format without being registered. */
const LENGTHS = new Map(
  (
    "AD24 AE23 AL28 AO25 AT20 AZ28 BA20 BE16 BF28 BG22 BH22 BI27 BJ28 BR29 BY28 CF27 CG27 CH21 CI28 CM27 CR22 CV25 CY28 CZ24 " +
    "DE22 DJ27 DK18 DO28 DZ26 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GA27 GB22 GE22 GI23 GL18 GQ27 GR27 GT28 GW25 HN28 HR21 HU28 " +
    "IE22 IL23 IQ23 IR26 IS26 IT27 JO30 KM27 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MA28 MC27 MD24 ME22 MG27 MK19 ML28 " +
    "MN20 MR27 MT31 MU30 MZ25 NE28 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 " +
    "SM27 SN28 SO23 ST25 SV28 TD27 TG28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
  )
    .split(" ")
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);
/** The check digits, and in a Maltese, Latvian or Bahraini account little else. */
const MIN_DIGITS = 4;
const MIN_LENGTH = 15;
const MAX_GAP = 8;

/** IBANs: a country, its fixed length, and remainder 1 modulo 97. In groups, wrapped, or in one piece. */
export const ibanDetector: Detector = {
  type: "IBAN",
  canOccur: (survey) => survey.digits >= MIN_DIGITS,
  scan(text, { from, to, report }) {
    let at = from;
    while (at < to) {
      const end = startsIban(text, at) ? ibanEnd(text, at) : undefined;
      if (end !== undefined) report(at, end);
      at = end ?? at + 1;
    }
    return Math.max(at, to);
  },
};

function startsIban(text: string, at: number): boolean {
  return (
    isAsciiLetter(text.charCodeAt(at)) &&
    isAsciiLetter(text.charCodeAt(at + 1)) &&
    isDigit(text.charCodeAt(at + 2)) &&
    !isAlphanumeric(text.charCodeAt(at - 1))
  );
}

/** Reads exactly the country's length, so that words after the number are never swallowed. */
function ibanEnd(text: string, start: number): number | undefined {
  const length = LENGTHS.get(text.slice(start, start + 2).toUpperCase());
  if (length === undefined) return undefined;
  let characters = "";
  let at = start;
  while (characters.length < length) {
    if (isAlphanumeric(text.charCodeAt(at))) characters += text.charAt(at++);
    else {
      const next = characters.length < 2 ? -1 : afterGap(text, at);
      if (next < 0) return undefined;
      at = next;
    }
  }
  return !isAlphanumeric(text.charCodeAt(at)) && characters.length >= MIN_LENGTH && passesMod97(characters)
    ? at
    : undefined;
}

/** One separator, or a line break with its indentation and the separator at its side; -1 when something else stands there. */
function afterGap(text: string, at: number): number {
  const blank = blankEnd(text, isSeparator(text, at) ? at + 1 : at);
  const isBroken = holdsLineBreak(text, at, blank);
  const end = isBroken && isSeparator(text, blank) ? blank + 1 : blank;
  const isGap = end > at && (isBroken || end - at <= (isSeparator(text, at) ? 1 : 2));
  return isGap && isAlphanumeric(text.charCodeAt(end)) ? end : -1;
}

function isSeparator(text: string, at: number): boolean {
  return at < text.length && "-._/".includes(text.charAt(at));
}

function blankEnd(text: string, at: number): number {
  let end = at;
  while (end - at < MAX_GAP && isWhiteSpace(text.charCodeAt(end))) end++;
  return end;
}

function holdsLineBreak(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (isLineBreak(text.charCodeAt(at))) return true;
  return false;
}

function passesMod97(characters: string): boolean {
  let remainder = 0;
  for (let index = 0; index < characters.length; index++) {
    const value = Number.parseInt(characters.charAt((index + 4) % characters.length), 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder === 1;
}
