import { isAlphanumeric, isBlank } from "./characters.ts";
import { decodeEscape } from "./decode-escape.ts";
import { foldCodePoint } from "./fold-code-point.ts";
import { asciiTwin } from "./look-alikes.ts";
import { builtInPlaceholders, type PlaceholderReader } from "./placeholder.ts";
import { spelledMark } from "./spelled-marks.ts";

/** The copy that detectors match on, and the way back to the original. */
export interface FoldedText {
  readonly text: string;
  /** Where each unit of `text` starts in the original; `undefined` when both are the same text. */
  readonly starts: Uint32Array | undefined;
}

/** Stands for a placeholder or an image: no detector matches across it. */
const BARRIER = 0;
const UNITS_PER_STEP = 4096;
const MIN_PAYLOAD = 64;
const BACKSLASH = 92;
const BRACKET = 91;
const BRACE = 123;
const PARENTHESIS = 40;
const AMPERSAND = 38;
const PERCENT = 37;
const COMMA = 44;

/**
 * Folds compatibility forms, digits of all scripts, dashes, spaces and escapes (`\u0040`, `%40`, `&#64;`) to plain ASCII,
 * drops what cannot be seen, and puts a barrier in the place of placeholders and base64 payloads. Yields between steps.
 */
export function* foldText(
  source: string,
  placeholders: PlaceholderReader = builtInPlaceholders,
): Generator<undefined, FoldedText> {
  const folded = createBuffer(source.length);
  for (let at = 0, pause = UNITS_PER_STEP; at < source.length;) {
    const end = source.charCodeAt(at) === BRACKET ? placeholders.endAt(source, at) : -1;
    if (end > 0) folded.push(BARRIER, at);
    at = end > 0 ? end : foldUnit(source, at, folded);
    if (source.charCodeAt(at - 1) === COMMA && endsBase64Header(source, at))
      at = yield* skipPayload(source, at, folded);
    if (at < pause) continue;
    pause = at + UNITS_PER_STEP;
    yield;
  }
  return folded.finish();
}

/** Folds what stands at `at` and returns where the next unit starts. */
function foldUnit(source: string, at: number, folded: FoldBuffer): number {
  const unit = source.charCodeAt(at);
  if (unit > 127) return foldWide(source, at, folded);
  if (unit === BRACKET || unit === BRACE || unit === PARENTHESIS) {
    const mark = spelledMark(source, at);
    if (mark !== undefined) return (folded.replaceBlank(mark.unit, at), mark.end);
  } else if (unit === BACKSLASH || unit === PERCENT || unit === AMPERSAND) {
    const escape = decodeEscape(source, at);
    if (escape !== undefined) return (pushCodePoint(folded, escape.codePoint, at), escape.end);
  }
  folded.push(unit, at);
  return at + 1;
}

function foldWide(source: string, at: number, folded: FoldBuffer): number {
  const codePoint = source.codePointAt(at) ?? 0;
  const twin = asciiTwin(source, at);
  if (twin !== undefined) return (folded.push(twin, at), at + 1);
  pushCodePoint(folded, codePoint, at);
  return at + (codePoint > 0xffff ? 2 : 1);
}

function pushCodePoint(folded: FoldBuffer, codePoint: number, at: number): void {
  if (codePoint < 128) return folded.push(codePoint, at);
  const text = foldCodePoint(codePoint);
  for (let index = 0; index < text.length; index++) folded.push(text.charCodeAt(index), at);
}

function endsBase64Header(source: string, at: number): boolean {
  return source.startsWith(";base64,", at - 8);
}

/** Where the base64 payload ends that starts at `from`. Short ones are scanned: they cost nothing and may be a disguise. */
function* skipPayload(source: string, from: number, folded: FoldBuffer): Generator<undefined, number> {
  const end = yield* base64End(source, from);
  if (end - from < MIN_PAYLOAD) return from;
  folded.push(BARRIER, from);
  return end;
}

export function* base64End(source: string, from: number): Generator<undefined, number> {
  let at = from;
  for (let pause = from + UNITS_PER_STEP * 16; at < source.length && isBase64(source.charCodeAt(at)); at++) {
    if (at < pause) continue;
    pause = at + UNITS_PER_STEP * 16;
    yield;
  }
  return at;
}

function isBase64(unit: number): boolean {
  return isAlphanumeric(unit) || unit === 43 || unit === 47 || unit === 61 || unit === 45 || unit === 95;
}

interface FoldBuffer {
  push(unit: number, start: number): void;
  /** Puts a unit in the place of the blank that stands last, if one does. */
  replaceBlank(unit: number, start: number): void;
  finish(): FoldedText;
}

function createBuffer(expectedLength: number): FoldBuffer {
  let units = new Uint16Array(expectedLength + 16);
  let starts = new Uint32Array(expectedLength + 16);
  let length = 0;
  const grow = (): void => {
    const wider = new Uint16Array(length * 2);
    wider.set(units);
    units = wider;
    const longer = new Uint32Array(length * 2);
    longer.set(starts);
    starts = longer;
  };
  const push = (unit: number, start: number): void => {
    if (length === units.length) grow();
    units[length] = unit;
    starts[length++] = start;
  };
  return {
    push,
    replaceBlank(unit, start) {
      if (length > 0 && isBlank(units[length - 1] ?? 0)) length--;
      push(unit, start);
    },
    finish: () => ({
      text: Buffer.from(units.buffer, 0, length * 2).toString("utf16le"),
      starts: starts.subarray(0, length),
    }),
  };
}

/** The range of the original text that text[start, end) of the folded copy came from. */
export function originalRange(folded: FoldedText, { start, end }: Range, sourceLength: number): Range {
  const { starts } = folded;
  if (starts === undefined) return { start, end };
  // One character may fold to several (`㉈` to 10): a finding takes the character whole.
  let after = end;
  while (after < starts.length && starts[after] === starts[after - 1]) after++;
  return { start: starts[start] ?? 0, end: starts[after] ?? sourceLength };
}

interface Range {
  readonly start: number;
  readonly end: number;
}
