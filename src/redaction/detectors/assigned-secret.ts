import { characterSet, DIGITS, isAsciiLetter, isBlank, isDigit, isLineBreak, LETTERS } from "../characters.ts";
import { looksRandom } from "./looks-random.ts";
import type { TextRange } from "./prefixed-key.ts";

const NAME_REACH = 48;
const MAX_LEAD = 6;
const MAX_VALUE = 512;
const MIN_PASSWORD = 6;
const MIN_TOKEN = 16;
const MIN_VENDOR_KEY = 14;
const LIST_DIGITS = 2;
const MIXED_REACH = 24;
const SCHEMES = ["Bearer ", "Basic ", "Token ", "token "];

const isNameUnit = characterSet(`${LETTERS}${DIGITS}_.- \t`);
const isLeadUnit = characterSet("=>:?|,\"'` \t");
const isTokenUnit = characterSet(`${LETTERS}${DIGITS}_-.+/=~:%|`);
const endsPassword = characterSet(" \t\r\n\"'`,;<>(){}[]");

const PASSWORD_NAME = /(?:password|passwd|passphrase|passcode|pwd)(?:is)?$/;
const SECRET_NAME =
  /secret|token|apikey|appkey|applicationkey|serverkey|servicekey|licensekey|deploykey|accesskey|authkey|privatekey|credential|accountkey|encryptionkey|signingkey|clientkey|masterkey|storagekey|authorization|sessionkey|creds/;
/** Vendors whose keys have no prefix: any random value assigned to one of these names is taken for a key. */
const VENDOR_NAME = new RegExp(
  (
    "linear sumo newyorktimes xray bintray gitlabsession contribsys adafruit adobe airtable algolia alibaba asana atlassian confluence jira beamer bitbucket bittrex meraki " +
    "cloudflare codecov cohere coinbase confluent contentful datadog discord droneci dropbox etsy facebook " +
    "fastly finicity finnhub flickr freshbooks gitter gocardless heroku hubspot intercom jfrog artifactory " +
    "kraken kucoin launchdarkly linkedin looker mailchimp mailgun mapbox mattermost messagebird netlify " +
    "newrelic nytimes okta plaid privateai rapidapi sendbird sentry snyk sonar squarespace sumologic telegram " +
    "travis twilio twitch twitter typeform yandex zendesk aws azure mistral"
  ).replaceAll(" ", "|"),
);
/** Endings of names that speak about a key without holding one, and tokens that only turn pages. */
const HARMLESS_ENDINGS = new Set([
  "id",
  "ids",
  "type",
  "name",
  "url",
  "uri",
  "path",
  "file",
  "count",
  "limit",
  "length",
  "expires",
  "version",
  "date",
  "at",
]);
const HARMLESS_INSIDE = /page(?!rduty)|next|cursor|continuation|sync|maxtokens|tokenizer|commit|digest|hash/;

/** The value assigned to a telling name, when `at` is the operator between them. */
export function assignedSecretRange(text: string, at: number): TextRange | undefined {
  const start = valueStart(text, at);
  if (start === undefined || !startsLikeKey(text, start)) return undefined;
  const words = nameBefore(text, at);
  const name = words.replaceAll(SEPARATORS, "").toLowerCase();
  if (PASSWORD_NAME.test(name)) return passwordRange(text, start, text.charAt(at) === "=");
  if (HARMLESS_INSIDE.test(name) || HARMLESS_ENDINGS.has(lastWord(words))) return undefined;
  // In a list or between alternatives the value may be just the next name.
  const more = text.charAt(at) === "," || text.charAt(at) === "|" ? LIST_DIGITS : 0;
  if (SECRET_NAME.test(name)) return tokenRange(text, { start, minLength: MIN_TOKEN, minDigits: 2 + more });
  return VENDOR_NAME.test(name)
    ? tokenRange(text, { start, minLength: MIN_VENDOR_KEY, minDigits: 1 + more })
    : undefined;
}

/** Keys and passwords worth the name mix digits and letters; most values do not, and cost no more than this. */
function startsLikeKey(text: string, start: number): boolean {
  let digits = 0;
  let letters = 0;
  let at = start;
  for (; at - start < MIXED_REACH && !endsPassword(text.charCodeAt(at)); at++) {
    if (isDigit(text.charCodeAt(at))) digits++;
    else if (isAsciiLetter(text.charCodeAt(at))) letters++;
  }
  return (
    (digits > 0 && letters > 0 && at - start >= MIN_PASSWORD) ||
    SCHEMES.some((scheme) => text.startsWith(scheme, start))
  );
}

/** Where the value starts: behind the rest of the operator, blanks and quotes. Values are not looked for in the next line. */
function valueStart(text: string, at: number): number | undefined {
  let start = at + 1;
  while (start - at <= MAX_LEAD && isLeadUnit(text.charCodeAt(start))) start++;
  const unit = text.charCodeAt(start);
  return Number.isNaN(unit) || isLineBreak(unit) || isLeadUnit(unit) || unit === 47 ? undefined : start;
}

/** The words in front of the operator, as they are written. */
function nameBefore(text: string, at: number): string {
  let end = at;
  while (at - end < MAX_LEAD && isLeadUnit(text.charCodeAt(end - 1))) end--;
  let start = end;
  while (end - start < NAME_REACH && isNameUnit(text.charCodeAt(start - 1))) start--;
  return text.slice(start, end);
}

// Names are at most NAME_REACH characters long, and these expressions repeat nothing.
const SEPARATORS = /[^A-Za-z0-9]/g;
const WORD_BORDER = /[ _.-]|(?<=[a-z])(?=[A-Z])/;

function lastWord(words: string): string {
  return (words.trimEnd().split(WORD_BORDER).at(-1) ?? "").toLowerCase();
}

function passwordRange(text: string, start: number, mayBeQuery: boolean): TextRange | undefined {
  let end = start;
  while (end < text.length && end - start < MAX_VALUE && !endsPassword(text.charCodeAt(end))) {
    if (mayBeQuery && text.charAt(end) === "&") break;
    end++;
  }
  if (".!?".includes(text.charAt(end - 1))) end--;
  const value = text.slice(start, end);
  const isReference = text.charAt(end) === "(" || "${<%*".includes(value.charAt(0));
  const isPassword = value.length >= MIN_PASSWORD && looksRandom(value, { minDigits: 1, minLetters: 1, minTurns: 1 });
  return isPassword && !isReference ? { start, end } : undefined;
}

interface TokenRule {
  readonly start: number;
  readonly minLength: number;
  readonly minDigits: number;
}

function tokenRange(text: string, { start: from, minLength, minDigits }: TokenRule): TextRange | undefined {
  // `Authorization: Token 0a1b…`: the scheme is not the credential.
  const scheme = SCHEMES.find((name) => text.startsWith(name, from)) ?? "";
  const start = from + scheme.length;
  let end = start;
  while (end - start < MAX_VALUE && isTokenUnit(text.charCodeAt(end))) end++;
  const value = text.slice(start, end);
  if (value.length < minLength || text.charAt(end) === "(" || value.startsWith("http") || isWordPath(value))
    return undefined;
  // The name of a type: `privateKey: ed25519.Ed25519PrivateKey`.
  if (value.endsWith("Key")) return undefined;
  return looksRandom(value, { minDigits, minLetters: 3, minTurns: minDigits + 1 }) ? { start, end } : undefined;
}

const MAX_WORD = 12;

/** `process.env.API_KEY2`, `user-profile-settings-2`: words with separators, unlike the long pieces of a key. */
function isWordPath(value: string): boolean {
  let piece = 0;
  let digits = 0;
  for (let at = 0; at < value.length; at++) {
    const unit = value.charCodeAt(at);
    if (isDigit(unit)) digits++;
    piece = "_-./:".includes(value.charAt(at)) || isBlank(unit) ? 0 : piece + 1;
    if (piece > MAX_WORD) return false;
  }
  return digits * 6 < value.length;
}
