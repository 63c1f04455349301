const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/**
 * Whether JSON holds keys that its parsed value does not: of a key that stands twice the last one wins, and nobody who
 * looks at the value sees what the other says.
 */
export function hasRepeatedKeys(bytes: Buffer, value: unknown): boolean {
  return writtenKeys(bytes) !== countKeys(value);
}

/** In valid JSON a colon outside of strings stands behind a key. */
function writtenKeys(bytes: Buffer): number {
  let keys = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    if (bytes[at] === QUOTE) at = stringEnd(bytes, at + 1);
    else if (bytes[at] === COLON) keys += 1;
  }
  return keys;
}

function stringEnd(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}

function countKeys(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const isList = Array.isArray(value);
  const items: readonly unknown[] = isList ? value : Object.values(value);
  let keys = isList ? 0 : items.length;
  for (const item of items) if (typeof item === "object") keys += countKeys(item);
  return keys;
}
