import { isJson } from "../protocol/json-object.ts";
import type { Finding } from "./redactor.ts";

/** A piece of text to be replaced, and whether the replacement needs quotes of its own. */
export interface Edit extends Finding {
  readonly isQuoted?: boolean;
}

const QUOTE = 34;
const BACKSLASH = 92;
const STRUCTURE = "{}[],: \t\r\n";

/** Whether a text is a JSON object or array, so that it must still be one when findings have been replaced. */
export function isJsonDocument(text: string): boolean {
  const first = text.trimStart().charAt(0);
  return (first === "{" || first === "[") && isJson(text);
}

/** What the inside of a JSON string literal says to its reader. */
export function unescapedJson(literal: string): string {
  if (!literal.includes("\\")) return literal;
  try {
    return String(JSON.parse(`"${literal}"`));
  } catch {
    return literal;
  }
}

/**
 * Turns findings into edits that leave a JSON document valid and otherwise byte for byte as it was: inside a string
 * the placeholder stands as it is, a number becomes a string, and the structure between them stays.
 */
export function jsonEdits(text: string, findings: readonly Finding[]): Edit[] {
  const edits: Edit[] = [];
  let literal = nextLiteral(text, 0);
  for (const finding of findings) {
    let at = Math.max(finding.start, edits.at(-1)?.end ?? 0);
    while (at < finding.end) {
      while (literal !== undefined && literal.end < at) literal = nextLiteral(text, literal.end + 1);
      if (literal !== undefined && at >= literal.start) {
        const end = Math.min(finding.end, literal.end);
        if (end > at) edits.push({ type: finding.type, start: at, end });
        at = literal.end + 1;
      } else {
        const scalar = scalarAround(text, at);
        if (scalar.end > scalar.start) edits.push({ type: finding.type, ...scalar, isQuoted: true });
        at = Math.max(at + 1, scalar.end);
      }
    }
  }
  return edits;
}

/** The inside of the first string literal at or after `from`. */
function nextLiteral(text: string, from: number): { start: number; end: number } | undefined {
  const quote = text.indexOf('"', from);
  if (quote < 0) return undefined;
  let end = quote + 1;
  while (end < text.length && text.charCodeAt(end) !== QUOTE) end += text.charCodeAt(end) === BACKSLASH ? 2 : 1;
  return { start: quote + 1, end };
}

function scalarAround(text: string, at: number): { start: number; end: number } {
  let start = at;
  let end = at;
  const isScalar = (index: number): boolean => {
    const character = text.charAt(index);
    return character !== "" && character !== '"' && !STRUCTURE.includes(character);
  };
  while (isScalar(end)) end++;
  while (end > at && isScalar(start - 1)) start--;
  return { start, end };
}
