import { classifyBytes } from "./character-class.ts";
import { createPieceMerger, longestPiece, mostStepsPerByte } from "./piece-merger.ts";
import { endOfPiece } from "./piece-splitter.ts";
import type { VocabularyName } from "./vocabulary-name.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Texts of this many UTF-8 bytes together are counted exactly, whatever they say. */
export const alwaysExactBytes = 0x10000;

/** Merging work of one call beyond which the rest is estimated: 600 KB of prose stays below. */
export const maxStepsPerCall = 1_500_000;

/** Of one text at most; what lies behind is estimated. */
const maxBytes = 0x100000;

/** UTF-16 units encoded at once. A piece that is not whole in them is too long to be merged. */
export const chunkUnits = 0x12000;

/** An estimate counts this many slices of this many characters, evenly spread. */
const maxSlices = 32;
const sliceLength = 256;

/** Zeros behind the text, so that the splitter may look at the next bytes without asking whether they exist. */
const padding = 4;

export interface Progress {
  /** Bytes counted by this call, all texts together. */
  bytes: number;
  stepsAtStart: number;
  /** Where the next piece of the text begins, in UTF-16 units. */
  at: number;
}

/** Counts text by text and chunk by chunk in scratch memory that every call uses. */
export interface ChunkCounter {
  newCount(): Progress;
  /**
   * Counts the next whole pieces of a text, or estimates all that is left of it, and moves `progress.at` on. Between two
   * calls the chunks of others may be counted.
   */
  countChunk(text: string, progress: Progress): number;
  /** Wipes what was counted: nobody's words stay behind. */
  forget(): void;
  /** Merging work since the counter was made. */
  readonly steps: number;
}

export function createChunkCounter(name: VocabularyName, vocabulary: Vocabulary): ChunkCounter {
  const merger = createPieceMerger(vocabulary);
  const nextPiece = endOfPiece[name];
  const encoder = new TextEncoder();
  let bytes = new Uint8Array(0);
  /** `bytes` without the padding. */
  let encodable = bytes;
  let classes = new Uint8Array(0);
  let usedBytes = 0;

  function reserve(text: string): void {
    const needed = text.length * 3;
    if (bytes.length >= needed + padding) return;
    const capacity = 2 ** Math.ceil(Math.log2(needed + 1024));
    bytes = new Uint8Array(capacity + padding);
    encodable = bytes.subarray(0, capacity);
    classes = new Uint8Array(capacity + padding);
  }

  function isAffordable(pieceBytes: number, progress: Progress): boolean {
    if (progress.bytes + pieceBytes <= alwaysExactBytes) return true;
    const steps = merger.steps - progress.stepsAtStart + pieceBytes * mostStepsPerByte;
    return pieceBytes <= longestPiece && steps <= maxStepsPerCall;
  }

  function estimateFrom(text: string, start: number, progress: Progress): number {
    const length = text.length - start;
    const slices = Math.min(maxSlices, Math.ceil(length / sliceLength));
    const stride = length / slices;
    let tokens = 0;
    for (let slice = 0; slice < slices; slice += 1) {
      const from = start + Math.floor(slice * stride);
      const sample = text.slice(from, Math.min(from + sliceLength, text.length));
      tokens += (countChunk(sample, { ...progress, bytes: 0, at: 0 }) * stride) / sample.length;
    }
    return Math.ceil(tokens);
  }

  function countChunk(text: string, progress: Progress): number {
    const { at } = progress;
    const chunk = text.length <= chunkUnits ? text : text.slice(at, at + chunkUnits);
    const isLast = at + chunk.length === text.length;
    reserve(chunk);
    const { written } = encoder.encodeInto(chunk, encodable);
    usedBytes = Math.max(usedBytes, written);
    bytes.fill(0, written, written + padding);
    classifyBytes(vocabulary.classes, { bytes, classes, length: written });
    // What ends a piece may lie behind the encoded part.
    const reliable = isLast ? written : written - padding;
    let tokens = 0;
    let start = 0;
    while (start < written) {
      const end = nextPiece(bytes, classes, start);
      const isCut = end > reliable;
      if (isCut && start > 0 && at < maxBytes) break;
      if (isCut || !isAffordable(end - start, progress)) {
        progress.at = text.length;
        return tokens + estimateFrom(text, at + charactersOf(bytes, start), progress);
      }
      tokens += merger.countPiece(bytes, start, end);
      progress.bytes += end - start;
      start = end;
    }
    progress.at = start === written ? at + chunk.length : at + charactersOf(bytes, start);
    return tokens;
  }

  return {
    newCount: () => ({ bytes: 0, stepsAtStart: merger.steps, at: 0 }),
    countChunk,
    forget() {
      bytes.fill(0, 0, usedBytes);
      usedBytes = 0;
    },
    get steps() {
      return merger.steps;
    },
  };
}

/** UTF-16 units that the first `length` bytes of UTF-8 came from. */
function charactersOf(bytes: Uint8Array, length: number): number {
  let units = 0;
  for (let at = 0; at < length; at += 1) {
    const byte = bytes[at] as number;
    if ((byte & 0xc0) !== 0x80) units += byte >= 0xf0 ? 2 : 1;
  }
  return units;
}
