import type { PlaceholderNamer } from "../redaction/redactor.ts";
import type { Withheld } from "../session/withheld.ts";

/** What the redaction of one request takes out, noted while it does. */
export interface WithheldNotes {
  /** Names placeholders and notes what they stand for. */
  readonly name: PlaceholderNamer;
  /** Everything noted so far; empty where nothing is to be put back. */
  readonly values: Withheld;
  /** Notes the names that differ between a value and its redacted form: a tool must be called by its own again. */
  noteNames(value: unknown, redacted: unknown): void;
}

export function createWithheldNotes(name: PlaceholderNamer, isNoting: boolean): WithheldNotes {
  const values = new Map<string, string>();
  const note = (standIn: string, value: string): void => {
    if (isNoting && !values.has(standIn)) values.set(standIn, value);
  };
  const noteNames = (value: unknown, redacted: unknown): void => {
    if (value === redacted || !isNested(value) || !isNested(redacted)) return;
    const after: [string, unknown][] = Object.entries(redacted);
    for (const [index, [key, item]] of Object.entries(value).entries()) {
      const mapped = after[index]?.[1];
      if (key !== "name" || typeof item !== "string") noteNames(item, mapped);
      else if (typeof mapped === "string" && mapped !== item) note(mapped, item);
    }
  };
  return {
    name(type, value) {
      const placeholder = name(type, value);
      note(placeholder, value);
      return placeholder;
    },
    values,
    noteNames,
  };
}

const isNested = (value: unknown): value is object => typeof value === "object" && value !== null;
