import { RE2JS } from "re2js";

import type { Detector, ScanPass } from "./detector.ts";

/** Longer findings are reported in pieces of at most this. */
const MAX_FINDING = 1024;
/** One character before the place where a search starts, for `\b` and `^`. */
const LOOK_BEHIND = 1;
const SAMPLE = "0aA@ -_.:/\n".repeat(100);

/**
 * An operator's own kind. RE2 reads a text once whatever the expression is; a call looks at one window and stops at the
 * first finding, so that no step is long and the work stays linear however the findings lie.
 *
 * @throws TypeError what is wrong with the expression, for the operator to read
 */
export function patternDetector(type: string, source: string): Detector {
  const expression = compile(source);
  return {
    type,
    canOccur: () => true,
    scan: (text, pass) => scanWindow(expression, text, pass),
  };
}

function scanWindow(expression: RE2JS, text: string, { from, to, report }: ScanPass): number {
  const windowStart = Math.max(0, from - LOOK_BEHIND);
  const windowEnd = Math.min(text.length, to + MAX_FINDING);
  const matcher = expression.matcher(text.slice(windowStart, windowEnd));
  if (!matcher.find(from - windowStart)) return to;
  const start = windowStart + matcher.start();
  const end = Math.min(windowStart + matcher.end(), start + MAX_FINDING);
  if (start >= to) return to;
  if (end === start) return start + 1;
  report(start, end);
  return end;
}

function compile(source: string): RE2JS {
  const expression = compiled(source);
  if (expression.matcher("").find()) throw new TypeError("matches the empty text");
  // The first search builds tables; it is made before anybody waits for it.
  expression.matcher(SAMPLE).find();
  return expression;
}

function compiled(source: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (error) {
    throw new TypeError(error instanceof Error ? error.message : "cannot be compiled", { cause: error });
  }
}
