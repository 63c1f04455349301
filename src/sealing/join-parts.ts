/**
 * One string from which the parts can be read back, so no two lists of parts share it: `3:abc2:de`.
 * Holds for every JavaScript string: UTF-8 turns all lone surrogates into U+FFFD, so a part with one is spelt out in hex.
 */
export function joinParts(parts: readonly string[]): string {
  let joined = "";
  for (const part of parts) joined += part.isWellFormed() ? `${part.length}:${part}` : spellOut(part);
  return joined;
}

const spellOut = (part: string): string => `x${part.length}:${Buffer.from(part, "utf16le").toString("hex")}`;
