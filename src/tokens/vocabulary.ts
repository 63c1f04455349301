import type { CharacterClasses } from "./character-class.ts";

/** The rank of bytes that are no token: later than every rank. */
export const noRank = 0x7fffffff;

/** Bits of a table slot that hold rank + 1; the others hold a fingerprint of the hash. 0 is an empty slot. */
const rankBits = 18;
const rankMask = (1 << rankBits) - 1;

/** A byte-pair vocabulary in typed arrays: a token's rank is its id and, in merging, its priority. */
export interface Vocabulary {
  /** Bytes of every token in order of rank; token `rank` lies at `tokenStarts[rank]` to `tokenStarts[rank + 1]`. */
  readonly tokenBytes: Uint8Array;
  readonly tokenStarts: Int32Array;
  /** Open addressing, a power of two of slots. */
  readonly table: Int32Array;
  /** The rank of each token of two bytes, by `first << 8 | second`; merging begins with one such look-up per byte. */
  readonly pairRanks: Int32Array;
  readonly classes: CharacterClasses;
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let at = start; at < end; at += 1) hash = Math.imul(hash, 0x01000193) + (bytes[at] as number);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
}

/** The rank of `bytes[start..end)`, or `noRank`. */
export type RankLookup = (bytes: Uint8Array, start: number, end: number) => number;

export function createRankLookup({ tokenBytes, tokenStarts, table }: Vocabulary): RankLookup {
  const slotMask = table.length - 1;
  const longest = tokenStarts.reduce((most, start, rank) => Math.max(most, start - (tokenStarts[rank - 1] ?? 0)), 0);
  return (bytes, start, end) => {
    const length = end - start;
    if (length > longest) return noRank;
    const hash = hashOf(bytes, start, end);
    const fingerprint = hash & ~rankMask;
    for (let index = hash & slotMask; ; index = (index + 1) & slotMask) {
      const slot = table[index] as number;
      if (slot === 0) return noRank;
      if ((slot & ~rankMask) !== fingerprint) continue;
      const rank = (slot & rankMask) - 1;
      const from = tokenStarts[rank] as number;
      if ((tokenStarts[rank + 1] as number) - from !== length) continue;
      let same = 0;
      while (same < length && tokenBytes[from + same] === bytes[start + same]) same += 1;
      if (same === length) return rank;
    }
  };
}

/** Packs tokens given in base64 and in order of rank. */
export function packVocabulary(encodedTokens: readonly string[], classes: CharacterClasses): Vocabulary {
  const count = encodedTokens.length;
  if (count >= rankMask) throw new TypeError(`a vocabulary holds fewer than ${rankMask} tokens`);
  const decoded = Buffer.allocUnsafe(encodedTokens.reduce((sum, token) => sum + token.length, 0));
  const tokenStarts = new Int32Array(count + 1);
  const table = new Int32Array(2 ** Math.ceil(Math.log2(count * 2 + 1)));
  const pairRanks = new Int32Array(0x10000).fill(noRank);
  let end = 0;
  for (const [rank, token] of encodedTokens.entries()) {
    const start = end;
    end += decoded.write(token, start, "base64");
    tokenStarts[rank + 1] = end;
    if (end - start === 2) pairRanks[decoded.readUInt16BE(start)] = rank;
    const hash = hashOf(decoded, start, end);
    let index = hash & (table.length - 1);
    while (table[index] !== 0) index = (index + 1) & (table.length - 1);
    table[index] = (hash & ~rankMask) | (rank + 1);
  }
  return { tokenBytes: Uint8Array.from(decoded.subarray(0, end)), tokenStarts, table, pairRanks, classes };
}
