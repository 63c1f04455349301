import { classifyBytes } from "./character-class.ts";
import { createPieceMerger, longestPiece, mostStepsPerByte } from "./piece-merger.ts";
import { endOfPiece } from "./piece-splitter.ts";
import type { VocabularyName } from "./vocabulary-name.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Texts of this many UTF-8 bytes together are counted exactly, whatever they say. */
export const alwaysExactBytes = 0x10000;

/** Merging work of one call beyond which the rest is estimated: 600 KB of prose stays below. */
export const maxStepsPerCall = 1_500_000;

/** Encoded at once at most; what lies behind is estimated. */
const maxBytes = 0x100000;

/** An estimate counts this many slices of this many characters, evenly spread. */
const maxSlices = 32;
const sliceLength = 256;

/** Zeros behind the text, so that the splitter may look at the next bytes without asking whether they exist. */
const padding = 4;

export interface TextCounter {
  /**
   * Tokens of each text, summed. Exact for `alwaysExactBytes`, and beyond as long as the work stays under
   * `maxStepsPerCall`; from there on tokens are extrapolated from slices spread evenly over what is left, a little too
   * many rather than too few because a cut makes two tokens of one.
   */
  countTexts(texts: readonly string[]): number;
  /** Merging work since the counter was made; for tests, which cannot trust a clock. */
  readonly steps: number;
}

interface Progress {
  /** Bytes counted by this call, all texts together. */
  bytes: number;
  readonly stepsAtStart: number;
}

/** Counts with a loaded vocabulary. Not re-entrant: its scratch memory is used by every call. */
export function createTextCounter(name: VocabularyName, vocabulary: Vocabulary): TextCounter {
  const merger = createPieceMerger(vocabulary);
  const nextPiece = endOfPiece[name];
  const encoder = new TextEncoder();
  let bytes = new Uint8Array(0);
  /** `bytes` without the padding. */
  let encodable = bytes;
  let classes = new Uint8Array(0);
  let usedBytes = 0;

  function reserve(text: string): void {
    const needed = Math.min(text.length * 3, maxBytes);
    if (bytes.length >= needed + padding) return;
    const capacity = Math.min(2 ** Math.ceil(Math.log2(needed + 1024)), maxBytes);
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
      tokens += (count(sample, { ...progress, bytes: 0 }) * stride) / sample.length;
    }
    return Math.ceil(tokens);
  }

  function count(text: string, progress: Progress): number {
    reserve(text);
    const { read, written } = encoder.encodeInto(text, encodable);
    usedBytes = Math.max(usedBytes, written);
    bytes.fill(0, written, written + padding);
    classifyBytes(vocabulary.classes, { bytes, classes, length: written });
    // What ends a piece may lie behind the encoded part.
    const reliable = read < text.length ? written - padding : written;
    let tokens = 0;
    let start = 0;
    while (start < written) {
      const end = nextPiece(bytes, classes, start);
      if (end > reliable || !isAffordable(end - start, progress)) {
        return tokens + estimateFrom(text, charactersOf(bytes, start), progress);
      }
      tokens += merger.countPiece(bytes, start, end);
      progress.bytes += end - start;
      start = end;
    }
    return tokens;
  }

  return {
    countTexts(texts) {
      const progress: Progress = { bytes: 0, stepsAtStart: merger.steps };
      let tokens = 0;
      for (const text of texts) if (text !== "") tokens += count(text, progress);
      // Nobody's words stay behind.
      bytes.fill(0, 0, usedBytes);
      usedBytes = 0;
      return tokens;
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
