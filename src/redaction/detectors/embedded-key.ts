import { characterSet, DIGITS, LETTERS } from "../characters.ts";
import type { TextRange } from "./prefixed-key.ts";

/** A key that is known by a mark in its middle. `mark` ends in the character at which it is tried. */
interface EmbeddedRule {
  readonly vendor: string;
  readonly mark: string;
  readonly isBefore: (unit: number) => boolean;
  readonly minBefore: number;
  readonly isAfter: (unit: number) => boolean;
  readonly minAfter: number;
}

const MAX_BEFORE = 40;
const NUMBER = characterSet(DIGITS);
const ALPHANUMERIC = characterSet(LETTERS + DIGITS);
const URL_SAFE = characterSet(`${LETTERS}${DIGITS}_-`);
const DOTTED = characterSet(`${LETTERS}${DIGITS}_-.=`);
const AZURE = characterSet(`${LETTERS}${DIGITS}_~.-`);

const RULES: readonly EmbeddedRule[] = [
  { vendor: "telegram", mark: ":", isBefore: NUMBER, minBefore: 5, isAfter: URL_SAFE, minAfter: 35 },
  { vendor: "azure", mark: "Q~", isBefore: AZURE, minBefore: 4, isAfter: AZURE, minAfter: 31 },
  { vendor: "terraform", mark: ".atlasv1.", isBefore: ALPHANUMERIC, minBefore: 14, isAfter: DOTTED, minAfter: 50 },
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
    while (rule.isAfter(text.charCodeAt(end))) end++;
    if (end - at - 1 >= rule.minAfter) return { start, end };
  }
  return undefined;
}
