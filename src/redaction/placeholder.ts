import type { EntityType } from "./redactor.ts";

/** Every type, in the order in which overlapping findings win: what is surest, and most dangerous if missed, first. */
export const ENTITY_PRIORITY = [
  "SECRET",
  "EMAIL",
  "IBAN",
  "CARD",
  "IP",
  "SSN",
  "PHONE",
] as const satisfies EntityType[];

const NAMES = ENTITY_PRIORITY.join("|");
// Fixed parts of fixed length: there is nothing to backtrack into.
export const PLACEHOLDER = new RegExp(`\\[(?:${NAMES})_[0-9a-f]{8}\\]`, "g");
const PLACEHOLDER_HERE = new RegExp(PLACEHOLDER.source, "y");
const BARE_PLACEHOLDER = new RegExp(`(?<![A-Za-z0-9[])(?:${NAMES})_[0-9a-f]{8}(?![A-Za-z0-9\\]])`, "g");

/** The end of the placeholder that starts at `at`, or -1. */
export function placeholderEnd(text: string, at: number): number {
  PLACEHOLDER_HERE.lastIndex = at;
  return PLACEHOLDER_HERE.test(text) ? PLACEHOLDER_HERE.lastIndex : -1;
}

/** Tool names may not hold brackets, so their placeholders travel without; `bracketPlaceholders` puts them back. */
export function unbracketPlaceholders(text: string): string {
  return text.replaceAll(PLACEHOLDER, (placeholder) => placeholder.slice(1, -1));
}

export function bracketPlaceholders(text: string): string {
  return text.replaceAll(BARE_PLACEHOLDER, "[$&]");
}
