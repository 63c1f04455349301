import { characterSet, DIGITS, isWhiteSpace, LETTERS } from "../characters.ts";

const OPENING = "-----BEGIN";
const FENCE = "-----";
const MAX_LABEL = 80;
const isBodyUnit = characterSet(`${LETTERS}${DIGITS}+/=\\`);

/** The end of the armoured private key that opens at `at` (RFC 7468 and OpenPGP); one that was cut ends with its base64. */
export function privateKeyEnd(text: string, at: number): number | undefined {
  if (!text.startsWith(OPENING, at)) return undefined;
  const label = text.indexOf(FENCE, at + OPENING.length);
  if (label < 0 || label - at > MAX_LABEL || !text.slice(at, label).includes("PRIVATE KEY")) return undefined;
  const body = label + FENCE.length;
  const footer = text.indexOf(`${FENCE}`, body);
  if (footer < 0 || !text.startsWith("-----END", footer)) return bodyEnd(text, body);
  const close = text.indexOf(FENCE, footer + FENCE.length);
  return close < 0 || close - footer > MAX_LABEL ? footer + FENCE.length : close + FENCE.length;
}

function bodyEnd(text: string, from: number): number {
  let end = from;
  let last = from;
  while (isBodyUnit(text.charCodeAt(end)) || isWhiteSpace(text.charCodeAt(end))) {
    if (!isWhiteSpace(text.charCodeAt(end++))) last = end;
  }
  return last;
}
