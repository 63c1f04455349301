import { characterSet, DIGITS, LETTERS } from "../characters.ts";
import { looksRandom } from "./looks-random.ts";
import type { TextRange } from "./prefixed-key.ts";

/** A key that is known by a mark in its middle. `mark` ends in the character at which it is tried. */
interface EmbeddedRule {
  readonly vendor: string;
  readonly mark: string;
  readonly isBefore: (unit: number) => boolean;
  readonly minBefore: number;
  readonly isAfter: (unit: number) => boolean;
  readonly minAfter: number;
  /** What else must be so, for marks that say little. */
  readonly accepts?: (key: string) => boolean;
}

const MAX_BEFORE = 40;
const MAX_AFTER = 64;
const NUMBER = characterSet(DIGITS);
const ALPHANUMERIC = characterSet(LETTERS + DIGITS);
const HEX = characterSet(`${DIGITS}abcdef`);
const URL_SAFE = characterSet(`${LETTERS}${DIGITS}_-`);
const DOTTED = characterSet(`${LETTERS}${DIGITS}_-.=`);
const AZURE = characterSet(`${LETTERS}${DIGITS}_~.-`);

const RULES: readonly EmbeddedRule[] = [
  { vendor: "telegram", mark: ":", isBefore: NUMBER, minBefore: 5, isAfter: URL_SAFE, minAfter: 35 },
  { vendor: "azure", mark: "Q~", isBefore: AZURE, minBefore: 4, isAfter: AZURE, minAfter: 31 },
  { vendor: "terraform", mark: ".atlasv1.", isBefore: ALPHANUMERIC, minBefore: 14, isAfter: DOTTED, minAfter: 50 },
  {
    vendor: "discord",
    mark: ".",
    isBefore: URL_SAFE,
    minBefore: 23,
    isAfter: DOTTED,
    minAfter: 34,
    accepts: isDiscord,
  },
  {
    vendor: "mailchimp",
    mark: "-",
    isBefore: HEX,
    minBefore: 32,
    isAfter: ALPHANUMERIC,
    minAfter: 3,
    accepts: isMailchimp,
  },
  { vendor: "facebook", mark: "|", isBefore: NUMBER, minBefore: 15, isAfter: URL_SAFE, minAfter: 27 },
];

/** The key whose mark ends at `at`. */
export function embeddedKeyRange(text: string, at: number): TextRange | undefined {
  for (const rule of RULES) {
    const markStart = at + 1 - rule.mark.length;
    if (markStart < rule.minBefore || !text.startsWith(rule.mark, markStart)) continue;
    if (rule.vendor === "telegram" && text.charAt(at + 1) !== "A") continue;
    let start = markStart;
    while (start > markStart - MAX_BEFORE && start > 0 && rule.isBefore(text.charCodeAt(start - 1))) start--;
    if (markStart - start < rule.minBefore) continue;
    let end = at + 1;
    // What may still be refused is read over a short way only, so that a row of near-misses is not read again at each.
    const limit = rule.accepts === undefined ? Infinity : at + MAX_AFTER;
    while (end <= limit && rule.isAfter(text.charCodeAt(end))) end++;
    const isKey = end - at - 1 >= rule.minAfter && rule.accepts?.(text.slice(start, end)) !== false;
    if (isKey) return { start, end };
  }
  return undefined;
}

// Both see at most a hundred characters.
const DISCORD = /^[MNO][\w-]{22,27}\.[\w-]{6}\.[\w-]{27,}$/;
const MAILCHIMP = /^[0-9a-f]{32}-us[0-9]{1,2}$/;

/** A snowflake id in base64, six characters of time, and a signature. The first digit of an id makes it M, N or O. */
function isDiscord(key: string): boolean {
  return DISCORD.test(key) && looksRandom(key, { minDigits: 3, minLetters: 3, minTurns: 4 });
}

/** 32 hexadecimal digits and the data centre: `…-us12`. */
function isMailchimp(key: string): boolean {
  return MAILCHIMP.test(key);
}
