import { PLACEHOLDER } from "./placeholder.ts";

/** How many placeholders of this gateway's shape, such as `[EMAIL_3fa91c02]`, a text holds. */
export function countPlaceholders(text: string): number {
  return text.includes("[") ? (text.match(PLACEHOLDER)?.length ?? 0) : 0;
}
