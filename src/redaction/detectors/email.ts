import { characterSet, isAlphanumeric, isAsciiLetter, isBlank, isLineBreak } from "../characters.ts";
import type { Detector } from "./detector.ts";

const MAX_DOMAIN = 253;
const MAX_LOCAL = 66;
const QUOTES = new Map([
  ['"', '"'],
  ["}", "{"],
]);
/** `[203.0.113.9]` and `[IPv6:2001:db8::1]` in place of a domain. */
const DOMAIN_LITERAL = /^\[(?:IPv6:)?[0-9a-fA-F.:]{3,45}\]/;
const MAX_DOMAIN_LITERAL = 52;
const MAX_INDENT = 16;
const FIRST_UNSPACED = 0x0e00;
const FIRST_SURROGATE = 0xd800;
const DOT = 46;
const HYPHEN = 45;

const isLocalMark = characterSet("._%+-'!#$^~*");
/** Ends of file names that follow an `@` in code, such as `icon@2x.png`. None is a top-level domain. */
const FILE_ENDINGS = new Set("png jpg jpeg gif svg webp bmp ico css html js jsx ts tsx json yaml yml txt".split(" "));
const COMMON_DOMAINS = new Set(
  (
    "com org net edu gov mil int info biz name app dev cloud online site shop store email tech xyz pro mobi museum travel jobs " +
    "aero coop asia agency academy art blog business care center club company design digital education events expert finance fun " +
    "global group guru health help host international jetzt life link live marketing media network news one page photography " +
    "photos press software solutions space studio support systems team today tools top training vip web website wiki win work world zip zone"
  ).split(" "),
);

/** E-mail addresses: from each `@` outwards, never further than an address can reach. */
export const emailDetector: Detector = {
  type: "EMAIL",
  canOccur: (survey) => survey.atSigns > 0,
  scan(text, { from, to, report }) {
    let at = text.indexOf("@", from);
    let border = 0;
    while (at >= 0 && at < to) {
      const start = localStart(text, at, border);
      const end = start < at ? domainEnd(text, at) : undefined;
      if (end !== undefined && !isRemote(text, { start, at, end })) report(start, (border = end));
      at = text.indexOf("@", Math.max(at + 1, border));
    }
    return at < 0 ? text.length : at;
  },
};

/** Where the part before the `@` starts; `at` when there is none. */
function localStart(text: string, at: number, border: number): number {
  const end = isLineBreak(text.charCodeAt(at - 1)) && isWrappedBefore(text, at) ? beforeBreak(text, at) : at;
  const opening = QUOTES.get(text.charAt(at - 1));
  if (opening !== undefined) return quotedStart(text, { at, border, opening });
  const isWord = wordsLike(text.charCodeAt(end - 1));
  let start = end;
  while (start > border && (isWord(text.charCodeAt(start - 1)) || isLocalMark(text.charCodeAt(start - 1)))) start--;
  while (start < end && !isWord(text.charCodeAt(start)) && text.charAt(start) !== "_") start++;
  return start < end ? start : at;
}

/** `"jane doe"@example.com` (RFC 5321), and `{jane,joe}@example.com` as papers write it; not the quote that opens `"@x"`. */
function quotedStart(text: string, { at, border, opening }: { at: number; border: number; opening: string }): number {
  if (!isQuotable(text, at - 2)) return at;
  for (let start = at - 2; start >= border && at - start <= MAX_LOCAL; start--) {
    if (text.charAt(start) === opening) return isQuotable(text, start + 1) ? start : at;
    if (isLineBreak(text.charCodeAt(start))) return at;
  }
  return at;
}

function isQuotable(text: string, at: number): boolean {
  return wordsLike(text.charCodeAt(at))(text.charCodeAt(at));
}

/**
 * What may be a letter next to this one. Scripts that write without spaces begin at U+0E00: there an address stands
 * right inside the sentence, so they belong to it only if it is written in them.
 */
function wordsLike(neighbour: number): (unit: number) => boolean {
  const limit = neighbour >= FIRST_UNSPACED && neighbour < FIRST_SURROGATE ? FIRST_SURROGATE : FIRST_UNSPACED;
  return (unit) => isAlphanumeric(unit) || (unit > 0xbf && unit < limit);
}

/** `jane` / `@example.com`: taken together only where a common domain follows, since `@name` also opens a mention. */
function isWrappedBefore(text: string, at: number): boolean {
  const end = readDomain(text, at + 1);
  const label = lastLabel(text.slice(at + 1, end));
  return label.length === 2 || COMMON_DOMAINS.has(label.toLowerCase());
}

function beforeBreak(text: string, at: number): number {
  let end = at;
  while (at - end < 4 && (isLineBreak(text.charCodeAt(end - 1)) || isBlank(text.charCodeAt(end - 1)))) end--;
  return end;
}

function domainEnd(text: string, at: number): number | undefined {
  const literal = text.charAt(at + 1) === "[" ? text.slice(at + 1, at + 1 + MAX_DOMAIN_LITERAL) : "";
  const [written] = DOMAIN_LITERAL.exec(literal) ?? [];
  if (written !== undefined) return at + 1 + written.length;
  const start = afterBreak(text, at + 1);
  const end = readDomain(text, start);
  if (isDomain(text.slice(start, end))) return isWrapped(text, end) ? (wrappedEnd(text, start, end) ?? end) : end;
  return wrappedEnd(text, start, end);
}

function readDomain(text: string, start: number): number {
  const isWord = wordsLike(text.charCodeAt(start));
  let end = start;
  while (end - start < MAX_DOMAIN && (isWord(text.charCodeAt(end)) || isDomainMark(text.charCodeAt(end)))) end++;
  while (end > start && (text.charCodeAt(end - 1) === DOT || text.charCodeAt(end - 1) === HYPHEN)) end--;
  return end;
}

function isDomainMark(unit: number): boolean {
  return unit === DOT || unit === HYPHEN;
}

/** Whether the line ends in the dot of a domain that goes on below. */
function isWrapped(text: string, end: number): boolean {
  return (
    text.charCodeAt(end) === DOT && isLineBreak(text.charCodeAt(end + 1)) && isAsciiLetter(text.charCodeAt(end + 2))
  );
}

/** The end of a domain that a line break cuts, when the two halves make a common one. */
function wrappedEnd(text: string, start: number, end: number): number | undefined {
  const dot = text.charCodeAt(end) === DOT ? "." : "";
  const next = afterBreak(text, end + dot.length);
  if (next === end + dot.length) return undefined;
  const rest = readDomain(text, next);
  const domain = text.slice(start, end) + dot + text.slice(next, rest);
  const label = lastLabel(domain).toLowerCase();
  const isKnown = label.length === 2 || label.startsWith("xn--") || COMMON_DOMAINS.has(label);
  return rest > next && isDomain(domain) && isKnown ? rest : undefined;
}

function afterBreak(text: string, at: number): number {
  let end = at;
  let broken = false;
  while (end - at < MAX_INDENT && (isBlank(text.charCodeAt(end)) || isLineBreak(text.charCodeAt(end)))) {
    if (isLineBreak(text.charCodeAt(end))) broken = true;
    end++;
  }
  return broken ? end : at;
}

function lastLabel(domain: string): string {
  return domain.slice(domain.lastIndexOf(".") + 1);
}

function isDomain(domain: string): boolean {
  const dot = domain.indexOf(".");
  if (dot < 1 || domain.includes("..")) return false;
  const label = lastLabel(domain);
  return label.length >= 2 && isTopLevel(label) && !FILE_ENDINGS.has(label.toLowerCase());
}

function isTopLevel(label: string): boolean {
  if (label.toLowerCase().startsWith("xn--")) return true;
  for (let at = 0; at < label.length; at++) {
    const unit = label.charCodeAt(at);
    if (!isAsciiLetter(unit) && unit < 128) return false;
  }
  return true;
}

/** `git@github.com:owner/name` names a server, not a person. */
function isRemote(text: string, { start, at, end }: { start: number; at: number; end: number }): boolean {
  return at - start === 3 && text.startsWith("git@", start) && text.charAt(end) === ":";
}
