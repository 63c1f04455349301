import { createRankLookup, noRank, type Vocabulary } from "./vocabulary.ts";

export interface PieceMerger {
  /** Tokens of `bytes[start..end)`, which is one piece of at most `longestPiece` bytes. */
  countPiece(bytes: Uint8Array, start: number, end: number): number;
  /** Work done since the merger was made, in steps of a heap level: some nanoseconds each. */
  readonly steps: number;
}

/** A position needs 16 bits beside the rank in a heap key. */
export const longestPiece = 0x10000;

/** More steps than merging takes per byte of a piece of any length: measured on runs of one character, the worst. */
export const mostStepsPerByte = 60;

const lookupSteps = 6;

/** Up to here looking through all pairs for the lowest rank is quicker than a heap. */
const shortPiece = 40;

/**
 * Byte-pair merging: the pair of lowest rank, the leftmost of equals, becomes one part, until no pair is a token.
 * O(n log n) in the length of the piece.
 */
export function createPieceMerger(vocabulary: Vocabulary): PieceMerger {
  const { pairRanks } = vocabulary;
  const rankOf = createRankLookup(vocabulary);
  let steps = 0;
  // A part is known by its start. `rank` is that of the part joined with the one behind it.
  let ends = new Int32Array(0);
  let previous = new Int32Array(0);
  let rank = new Int32Array(0);
  let heap = new Float64Array(0);
  let heapSize = 0;

  function reserve(length: number): void {
    if (ends.length > length) return;
    const capacity = 2 ** Math.ceil(Math.log2(length + 2));
    ends = new Int32Array(capacity);
    previous = new Int32Array(capacity);
    rank = new Int32Array(capacity);
    // Every merge takes one key out and puts two in.
    heap = new Float64Array(capacity * 2);
  }

  function countShort(bytes: Uint8Array, start: number, length: number): number {
    let parts = length;
    for (let part = 0; part <= parts; part += 1) {
      ends[part] = start + part;
      rank[part] =
        part < parts - 1
          ? (pairRanks[((bytes[start + part] as number) << 8) | (bytes[start + part + 1] as number)] as number)
          : noRank;
    }
    for (;;) {
      let lowest = noRank;
      let best = 0;
      for (let part = 0; part < parts - 1; part += 1) {
        if ((rank[part] as number) < lowest) {
          lowest = rank[part] as number;
          best = part;
        }
      }
      if (lowest === noRank) return parts;
      parts -= 1;
      for (let part = best + 1; part <= parts; part += 1) {
        ends[part] = ends[part + 1] as number;
        rank[part] = rank[part + 1] as number;
      }
      if (best < parts - 1) rank[best] = rankOf(bytes, ends[best] as number, ends[best + 2] as number);
      else rank[best] = noRank;
      if (best > 0) rank[best - 1] = rankOf(bytes, ends[best - 1] as number, ends[best + 1] as number);
      steps += 2 * lookupSteps + (parts >> 2);
    }
  }

  function siftDown(from: number): void {
    const key = heap[from] as number;
    let at = from;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heapSize) break;
      if (child + 1 < heapSize && (heap[child + 1] as number) < (heap[child] as number)) child += 1;
      if ((heap[child] as number) >= key) break;
      heap[at] = heap[child] as number;
      at = child;
      steps += 1;
    }
    heap[at] = key;
  }

  function push(key: number): void {
    let at = heapSize;
    heapSize += 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((heap[parent] as number) <= key) break;
      heap[at] = heap[parent] as number;
      at = parent;
    }
    heap[at] = key;
  }

  function fillHeap(bytes: Uint8Array, start: number, length: number): void {
    heapSize = 0;
    for (let part = 0; part < length; part += 1) {
      ends[part] = part + 1;
      previous[part] = part - 1;
      const pair = ((bytes[start + part] as number) << 8) | (bytes[start + part + 1] as number);
      const pairRank = part + 1 < length ? (pairRanks[pair] as number) : noRank;
      rank[part] = pairRank;
      if (pairRank !== noRank) heap[heapSize++] = pairRank * longestPiece + part;
    }
    for (let at = (heapSize >> 1) - 1; at >= 0; at -= 1) siftDown(at);
    steps += length;
  }

  function countLong(bytes: Uint8Array, start: number, length: number): number {
    let parts = length;
    const rerank = (part: number): void => {
      const behind = ends[part] as number;
      const joined = behind < length ? rankOf(bytes, start + part, start + (ends[behind] as number)) : noRank;
      rank[part] = joined;
      if (joined !== noRank) push(joined * longestPiece + part);
      steps += lookupSteps;
    };
    fillHeap(bytes, start, length);
    while (heapSize > 0) {
      const key = heap[0] as number;
      heapSize -= 1;
      heap[0] = heap[heapSize] as number;
      if (heapSize > 1) siftDown(0);
      const lowest = Math.floor(key / longestPiece);
      const part = key - lowest * longestPiece;
      if (rank[part] !== lowest) continue; // one of its parts has been merged since
      const taken = ends[part] as number;
      ends[part] = ends[taken] as number;
      rank[taken] = noRank;
      if (ends[part] < length) previous[ends[part]] = part;
      parts -= 1;
      rerank(part);
      if (part > 0) rerank(previous[part] as number);
    }
    return parts;
  }

  return {
    countPiece(bytes, start, end) {
      const length = end - start;
      if (length === 1) return 1;
      steps += lookupSteps;
      if (length === 2)
        return pairRanks[((bytes[start] as number) << 8) | (bytes[start + 1] as number)] === noRank ? 2 : 1;
      if (rankOf(bytes, start, end) !== noRank) return 1;
      reserve(length);
      return length <= shortPiece ? countShort(bytes, start, length) : countLong(bytes, start, length);
    },
    get steps() {
      return steps;
    },
  };
}
