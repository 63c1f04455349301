import { characterSet, DIGITS, isAlphanumeric, LETTERS } from "../characters.ts";
import { looksRandom } from "./looks-random.ts";
import { SECRET_RULES, type SecretRule } from "./secret-vendors.ts";

export interface TextRange {
  readonly start: number;
  readonly end: number;
}

const SAMPLE = 40;
const MIN_UNBROKEN = 20;
const MIN_HEADER = 12;
const MIN_SEGMENT = 8;
const isJwtUnit = characterSet(`${LETTERS}${DIGITS}_-`);
const isCredentialUnit = characterSet(`${LETTERS}${DIGITS}_-.~+/=`);

/** Rules by the first two characters of their prefix, which throws out nearly every word at once. */
const RULES_BY_START = new Map<number, SecretRule[]>();
for (const rule of SECRET_RULES) {
  const key = startKey(rule.prefix, 0);
  RULES_BY_START.set(key, [...(RULES_BY_START.get(key) ?? []), rule]);
}
for (const rules of RULES_BY_START.values()) rules.sort((one, other) => other.prefix.length - one.prefix.length);
const JWT_START = startKey("ey", 0);
const SCHEME_STARTS = new Set([startKey("Be", 0), startKey("be", 0), startKey("Ba", 0), startKey("BE", 0)]);
const STARTS = new Uint8Array(1 << 14);
for (const key of [...RULES_BY_START.keys(), JWT_START, ...SCHEME_STARTS]) STARTS[key] = 1;

function startKey(text: string, at: number): number {
  return ((text.charCodeAt(at) & 127) << 7) | (text.charCodeAt(at + 1) & 127);
}

/** The key that starts at `at`, where no letter or digit may stand before it. */
export function prefixedKeyRange(text: string, at: number): TextRange | undefined {
  const key = startKey(text, at);
  if (STARTS[key] !== 1) return undefined;
  if (SCHEME_STARTS.has(key)) return authorizationRange(text, at);
  const end = key === JWT_START ? jwtEnd(text, at) : undefined;
  return end === undefined ? ruledKeyRange(text, at, RULES_BY_START.get(key) ?? []) : { start: at, end };
}

function ruledKeyRange(text: string, at: number, rules: readonly SecretRule[]): TextRange | undefined {
  for (const rule of rules) {
    if (!text.startsWith(rule.prefix, at)) continue;
    const body = at + rule.prefix.length;
    if (!holdsBody(text, body, rule)) continue;
    let end = body + rule.minBody;
    while (rule.isBody(text.charCodeAt(end))) end++;
    return { start: at, end: withoutDot(text, end) };
  }
  return undefined;
}

/** Only the shortest possible body is judged, so that a long near-miss is not read again at each of its parts. */
function holdsBody(text: string, body: number, rule: SecretRule): boolean {
  for (let at = body; at < body + rule.minBody; at++) if (!rule.isBody(text.charCodeAt(at))) return false;
  if (!rule.mustLookRandom) return true;
  const sample = text.slice(body, body + SAMPLE);
  return (
    looksRandom(sample, { minDigits: 2, minLetters: 3, minTurns: 2 }) ||
    (rule.prefix === "sk-" && isUnbroken(text, body))
  );
}

function isUnbroken(text: string, body: number): boolean {
  for (let at = body; at < body + MIN_UNBROKEN; at++) if (!isAlphanumeric(text.charCodeAt(at))) return false;
  return true;
}

function withoutDot(text: string, end: number): number {
  return text.charAt(end - 1) === "." ? end - 1 : end;
}

/**
 * Two to five base64url segments. The first encodes an ASCII JSON object, which starts with `ey` and in practice has no
 * dash or underscore; without them no second header can begin inside it, and nothing is read twice.
 */
function jwtEnd(text: string, start: number): number | undefined {
  let end = start;
  while (isAlphanumeric(text.charCodeAt(end))) end++;
  if (end - start < MIN_HEADER || text.charAt(end) !== ".") return undefined;
  const payload = segmentEnd(text, end + 1);
  if (payload - end <= MIN_SEGMENT) return undefined;
  end = payload;
  for (let segments = 2; segments < 5 && text.charAt(end) === "."; segments++) {
    const next = segmentEnd(text, end + 1);
    if (next === end + 1) break;
    end = next;
  }
  return end;
}

function segmentEnd(text: string, from: number): number {
  let end = from;
  while (isJwtUnit(text.charCodeAt(end))) end++;
  return end;
}

const SCHEMES = ["bearer ", "basic "];
const MIN_CREDENTIAL = 16;

/** The credential of `Authorization: Bearer …`, without the scheme. */
function authorizationRange(text: string, at: number): TextRange | undefined {
  const scheme = SCHEMES.find((name) => text.slice(at, at + name.length).toLowerCase() === name);
  if (scheme === undefined) return undefined;
  const start = at + scheme.length;
  let end = start;
  while (isCredentialUnit(text.charCodeAt(end))) end++;
  const isCredential =
    end - start >= MIN_CREDENTIAL &&
    looksRandom(text.slice(start, start + SAMPLE), { minDigits: 1, minLetters: 3, minTurns: 1 });
  return isCredential ? { start, end: withoutDot(text, end) } : undefined;
}
