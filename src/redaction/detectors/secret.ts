import { characterSet, isAlphanumeric } from "../characters.ts";
import { assignedSecretRange } from "./assigned-secret.ts";
import type { Detector } from "./detector.ts";
import { embeddedKeyRange } from "./embedded-key.ts";
import { prefixedKeyRange, type TextRange } from "./prefixed-key.ts";
import { privateKeyEnd } from "./private-key.ts";
import { urlPasswordRange } from "./url-password.ts";

const MIN_TOKEN = 14;

/** Keys, tokens and passwords: by a vendor's prefix, as private keys, inside addresses, or assigned to a telling name. */
export const secretDetector: Detector = {
  type: "SECRET",
  canOccur: (survey) => survey.longestToken >= MIN_TOKEN || survey.colons > 0 || survey.equalSigns > 0,
  scan(text, { from, to, report }) {
    let inWord = isAlphanumeric(text.charCodeAt(from - 1));
    let at = from;
    while (at < to) {
      const unit = text.charCodeAt(at);
      const isWord = isAlphanumeric(unit);
      const found = isWord
        ? inWord
          ? undefined
          : prefixedKeyRange(text, at)
        : isMark(unit)
          ? markedRange(text, at)
          : undefined;
      if (found !== undefined) report(found.start, found.end);
      inWord = isWord;
      at = Math.max(at + 1, found?.end ?? 0);
    }
    return at;
  },
};

const isMark = characterSet(":=>-.|~,");

/** The secret that the mark at `at` gives away. */
function markedRange(text: string, at: number): TextRange | undefined {
  switch (text.charAt(at)) {
    case ":":
      return urlPasswordRange(text, at) ?? embeddedKeyRange(text, at) ?? assignedSecretRange(text, at);
    case "|":
      return embeddedKeyRange(text, at) ?? assignedSecretRange(text, at);
    case "=":
    case ">":
    case ",":
      return assignedSecretRange(text, at);
    case "-":
      return privateKeyRange(text, at) ?? embeddedKeyRange(text, at);
    default:
      return embeddedKeyRange(text, at);
  }
}

function privateKeyRange(text: string, start: number): TextRange | undefined {
  const end = privateKeyEnd(text, start);
  return end === undefined ? undefined : { start, end };
}
