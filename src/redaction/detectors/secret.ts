import { isAlphanumeric } from "../characters.ts";
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
    let at = from;
    while (at < to) {
      const found = secretAt(text, at);
      if (found !== undefined) report(found.start, found.end);
      at = Math.max(at + 1, found?.end ?? 0);
    }
    return at;
  },
};

/** The secret that starts at `at`, or that the mark at `at` gives away. */
function secretAt(text: string, at: number): TextRange | undefined {
  const unit = text.charCodeAt(at);
  if (isAlphanumeric(unit)) return prefixedKeyRange(text, at);
  switch (unit) {
    case 58: // :
      return urlPasswordRange(text, at) ?? embeddedKeyRange(text, at) ?? assignedSecretRange(text, at);
    case 61: // =
    case 62: // >
      return assignedSecretRange(text, at);
    case 45: // -
      return privateKeyRange(text, at);
    case 46: // .
    case 124: // |
    case 126: // ~
      return embeddedKeyRange(text, at);
    default:
      return undefined;
  }
}

function privateKeyRange(text: string, start: number): TextRange | undefined {
  const end = privateKeyEnd(text, start);
  return end === undefined ? undefined : { start, end };
}
