import { builtInPlaceholders } from "./placeholder.ts";

/** How many placeholders of built-in entities, such as `[EMAIL_3fa91c02]`, a text holds. */
export function countPlaceholders(text: string): number {
  return builtInPlaceholders.count(text);
}
