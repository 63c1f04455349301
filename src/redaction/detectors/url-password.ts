import { isWhiteSpace } from "../characters.ts";
import type { TextRange } from "./prefixed-key.ts";

const MAX_USER_INFO = 512;
const ENDS = "/\"'`<>\\";
const PLACEHOLDERS = "${<%*[";

/** The password of `scheme://user:password@host`, when `at` is the colon of the scheme. */
export function urlPasswordRange(text: string, at: number): TextRange | undefined {
  if (!text.startsWith("://", at)) return undefined;
  const from = at + 3;
  let colon = -1;
  let sign = -1;
  for (let index = from; index < text.length && index - from < MAX_USER_INFO; index++) {
    const character = text.charAt(index);
    if (ENDS.includes(character) || isWhiteSpace(text.charCodeAt(index))) break;
    if (character === ":" && colon < 0) colon = index;
    // A password may hold an unescaped @: the last one before the host counts.
    if (character === "@") sign = index;
  }
  const isPassword = colon >= 0 && sign > colon + 1 && !PLACEHOLDERS.includes(text.charAt(colon + 1));
  return isPassword ? { start: colon + 1, end: sign } : undefined;
}
