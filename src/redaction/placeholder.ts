import type { BuiltInEntity, EntityType } from "./redactor.ts";

/**
 * Every built-in type, in the order in which overlapping findings win: what is surest, and most dangerous if missed,
 * first. Configured patterns come after them.
 */
export const ENTITY_PRIORITY = [
  "SECRET",
  "EMAIL",
  "IBAN",
  "CARD",
  "IP",
  "SSN",
  "PHONE",
] as const satisfies BuiltInEntity[];

/** Recognises the placeholders of a set of entities, such as `[EMAIL_3fa91c02]`. */
export interface PlaceholderReader {
  /** The end of the placeholder that starts at `at`, or -1. */
  endAt(text: string, at: number): number;
  isIn(text: string): boolean;
  count(text: string): number;
  /** Tool names may not hold brackets, so their placeholders travel without; `bracket` puts them back. */
  unbracket(text: string): string;
  bracket(text: string): string;
}

export function createPlaceholderReader(configured: readonly EntityType[]): PlaceholderReader {
  // Names are letters, digits and underscores. Fixed parts of fixed length: there is nothing to backtrack into.
  const names = [...ENTITY_PRIORITY, ...configured].join("|");
  const anywhere = new RegExp(`\\[(?:${names})_[0-9a-f]{8}\\]`, "g");
  const here = new RegExp(anywhere.source, "y");
  const bare = new RegExp(`(?<![A-Za-z0-9[])(?:${names})_[0-9a-f]{8}(?![A-Za-z0-9\\]])`, "g");
  return {
    endAt(text, at) {
      here.lastIndex = at;
      return here.test(text) ? here.lastIndex : -1;
    },
    isIn(text) {
      anywhere.lastIndex = 0;
      return text.includes("[") && anywhere.test(text);
    },
    count: (text) => (text.includes("[") ? (text.match(anywhere)?.length ?? 0) : 0),
    unbracket: (text) => text.replaceAll(anywhere, (placeholder) => placeholder.slice(1, -1)),
    bracket: (text) => text.replaceAll(bare, "[$&]"),
  };
}

export const builtInPlaceholders = createPlaceholderReader([]);
