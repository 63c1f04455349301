import { isAsciiLetter } from "../characters.ts";

const MAX_WORDS = 24;

/**
 * The words that end before `end`, nearest first, lower case, at most `reach` characters back. `phoneNumber`,
 * `phone_number` and `phone number` are the same two words; letters beyond ASCII belong to words.
 */
export function wordsBefore(text: string, end: number, reach: number): string[] {
  const words: string[] = [];
  const border = Math.max(0, end - reach);
  let wordEnd = end;
  for (let at = end - 1; at >= border - 1 && words.length < MAX_WORDS; at--) {
    const inside = at >= border && isWordUnit(text.charCodeAt(at));
    if (inside && !startsHump(text, at)) continue;
    const start = inside ? at : at + 1;
    if (start < wordEnd) words.push(text.slice(start, wordEnd).toLowerCase());
    wordEnd = at;
  }
  return words;
}

/** The words that start at or after `start`, nearest first, lower case, at most `reach` characters on. */
export function wordsAfter(text: string, start: number, reach: number): string[] {
  const words: string[] = [];
  const border = Math.min(text.length, start + reach);
  for (let at = start; at < border;) {
    let end = at;
    while (end < border && isWordUnit(text.charCodeAt(end))) end++;
    if (end > at) words.push(text.slice(at, end).toLowerCase());
    at = end + 1;
  }
  return words;
}

function isWordUnit(unit: number): boolean {
  return isAsciiLetter(unit) || unit > 127;
}

function startsHump(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  const previous = text.charCodeAt(at - 1);
  return unit >= 65 && unit <= 90 && previous >= 97 && previous <= 122;
}
