import { isIPv6 } from "node:net";

import { isAlphanumeric, isDigit, isLineBreak, isWhiteSpace } from "../characters.ts";
import { wordsBefore } from "./context-words.ts";
import type { Detector } from "./detector.ts";

const VERSION_WORDS = new Set(["v", "version", "release", "section", "chapter", "clause", "oid", "objectidentifier"]);
/** `ObjectIdentifier("` is two words. */
const VERSION_REACH = 20;
const MAX_IPV6_LENGTH = 45;

/** Public addresses. Private, loopback, link-local, shared and multicast ones say nothing about a person and stay. */
export const ipDetector: Detector = {
  type: "IP",
  canOccur: (survey) => survey.digits >= 4,
  scan(text, { from, to, report }) {
    let at = from;
    while (at < to) {
      const end = isDigit(text.charCodeAt(at)) && !isInside(text, at) ? addressEnd(text, at) : undefined;
      if (end !== undefined) report(at, end);
      at = end ?? at + 1;
    }
    return Math.max(at, to);
  },
};

function addressEnd(text: string, start: number): number | undefined {
  return ipv4End(text, start) ?? ipv6End(text, start);
}

function isInside(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  return isAlphanumeric(before) || (before === 46 && isDigit(text.charCodeAt(at - 2)));
}

function ipv4End(text: string, start: number): number | undefined {
  // 078.123.45.67 is a phone number; addresses are written without leading zeros.
  if (text.charAt(start) === "0") return undefined;
  const octets: number[] = [];
  let at = start;
  for (;;) {
    const octet = (octets.length < 3 ? readWrappedOctet(text, at) : undefined) ?? readOctet(text, at);
    if (octet === undefined) return undefined;
    octets.push(octet.value);
    at = octet.end;
    if (octets.length === 4) break;
    // A wrapped address goes on with its dot, or right behind it.
    const dot = text.charCodeAt(at) === 46 ? at : afterBreak(text, at);
    if (text.charCodeAt(dot) !== 46) return undefined;
    at = dot > at ? dot + 1 : afterBreak(text, at + 1);
  }
  const next = text.charCodeAt(at);
  if (isAlphanumeric(next) || (next === 46 && isDigit(text.charCodeAt(at + 1)))) return undefined;
  return isPublicIpv4(octets) && !isVersion(text, start) && !isHeading(text, start, octets) ? at : undefined;
}

function readOctet(text: string, at: number): { value: number; end: number } | undefined {
  let end = at;
  while (end - at < 4 && isDigit(text.charCodeAt(end))) end++;
  const value = end > at && end - at < 4 ? Number(text.slice(at, end)) : 256;
  return value < 256 ? { value, end } : undefined;
}

/** An octet that a line break cuts, and the next dot says that it is one. */
function readWrappedOctet(text: string, at: number): { value: number; end: number } | undefined {
  const head = readOctet(text, at);
  const next = head === undefined ? at : afterBreak(text, head.end);
  if (head === undefined || next === head.end) return undefined;
  const tail = readOctet(text, next);
  if (tail === undefined || text.charCodeAt(tail.end) !== 46) return undefined;
  const value = Number(text.slice(at, head.end) + text.slice(next, tail.end));
  return value < 256 ? { value, end: tail.end } : undefined;
}

/** An address may be wrapped after a dot; a space alone ends a sentence. */
function afterBreak(text: string, at: number): number {
  let end = at;
  let broken = false;
  while (end - at < 8 && isWhiteSpace(text.charCodeAt(end))) {
    if (isLineBreak(text.charCodeAt(end))) broken = true;
    end++;
  }
  return broken ? end : at;
}

function isVersion(text: string, start: number): boolean {
  const [word = "", previous = ""] = wordsBefore(text, start, VERSION_REACH);
  return VERSION_WORDS.has(word) || VERSION_WORDS.has(previous + word);
}

const MAX_HEADING_NUMBER = 20;
const HEADING_REACH = 16;

/** `§5.2.2.10`, or `// 4.2.5.1` at the start of a line: the number of a section, as small as such numbers are. */
function isHeading(text: string, start: number, octets: readonly number[]): boolean {
  let at = start - 1;
  while (start - at < HEADING_REACH && " \t/*#>-".includes(text.charAt(at)) && at >= 0) at--;
  if (text.charAt(at) === "§") return true;
  if (octets.some((octet) => octet >= MAX_HEADING_NUMBER)) return false;
  return text.charAt(at) === "\n" || (at < 0 && start > 0);
}

/** RFC 6890's special ranges. Addresses for documentation count as public: people write them where real ones belong. */
function isPublicIpv4([first = 0, second = 0, third = 0, fourth = 0]: readonly number[]): boolean {
  // A network's address, and more often a version.
  if (third === 0 && fourth === 0) return false;
  if (first === 0 || first === 10 || first === 127 || first >= 224) return false;
  if (first === 100) return second < 64 || second > 127;
  if (first === 169) return second !== 254;
  if (first === 172) return second < 16 || second > 31;
  return first !== 192 || second !== 168;
}

/** Global unicast (2000::/3) is all that is routed publicly, which also tells an address from times and C++ names. */
function ipv6End(text: string, start: number): number | undefined {
  const lead = text.charCodeAt(start);
  if (lead !== 50 && lead !== 51) return undefined;
  const end = ipv6UnitsEnd(text, start);
  const address = text.slice(start, end).replaceAll(/\s/g, "");
  const isGlobal = address.indexOf(":") === 4 && !isAlphanumeric(text.charCodeAt(end)) && isIPv6(address);
  return isGlobal ? end : undefined;
}

/** Where an address may end, past one line break inside it; what is an address already does not go on in the next line. */
function ipv6UnitsEnd(text: string, start: number): number {
  let end = start;
  let broken = false;
  while (end - start <= MAX_IPV6_LENGTH) {
    if (isIpv6Unit(text.charCodeAt(end))) end++;
    else {
      const next = broken ? end : afterBreak(text, end);
      if (next === end || !isIpv6Unit(text.charCodeAt(next)) || isIPv6(text.slice(start, end))) break;
      end = next;
      broken = true;
    }
  }
  while (
    end > start &&
    (text.charAt(end - 1) === "." || (text.charAt(end - 1) === ":" && text.charAt(end - 2) !== ":"))
  )
    end--;
  return end;
}

function isIpv6Unit(unit: number): boolean {
  const lower = unit | 32;
  return isDigit(unit) || unit === 58 || unit === 46 || (lower >= 97 && lower <= 102);
}
