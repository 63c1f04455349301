import { characterClass } from "./character-class.ts";
import type { VocabularyName } from "./vocabulary-name.ts";

/**
 * The end of the piece that the vocabulary's split pattern matches at `start`. `classes` comes from `classifyBytes`;
 * three bytes behind the text must be readable and 0. Every character is looked at a bounded number of times.
 */
export type EndOfPiece = (bytes: Uint8Array, classes: Uint8Array, start: number) => number;

const { upper, lower, caseless, mark, number, newline, space, other } = characterClass;
const letters = upper | lower | caseless;
const apostrophe = 0x27;
const slash = 0x2f;

function endOfRun(classes: Uint8Array, start: number, set: number): number {
  let at = start;
  while (((classes[at] as number) & set) !== 0) at += 1;
  return at;
}

function endOfCharacter(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (((bytes[at] as number) & 0xc0) === 0x80) at += 1;
  return at;
}

/** `'s 't 'm 'd 're 've 'll` in either case, or `start`. */
function endOfContraction(bytes: Uint8Array, start: number): number {
  if (bytes[start] !== apostrophe) return start;
  const second = String.fromCharCode((bytes[start + 1] as number) | 0x20);
  if ("stmd".includes(second)) return start + 2;
  const third = String.fromCharCode((bytes[start + 2] as number) | 0x20);
  return ["re", "ve", "ll"].includes(second + third) ? start + 3 : start;
}

/** `\p{N}{1,3}` */
function endOfNumber(bytes: Uint8Array, classes: Uint8Array, start: number): number {
  let at = endOfCharacter(bytes, start);
  for (let digits = 1; digits < 3 && classes[at] === number; digits += 1) at = endOfCharacter(bytes, at);
  return at;
}

/** `\s*[\r\n]+|\s+(?!\S)|\s+` */
function endOfSpace(bytes: Uint8Array, classes: Uint8Array, start: number): number {
  const end = endOfRun(classes, start, newline | space);
  let at = end;
  while (at > start && classes[at - 1] !== newline) at -= 1;
  if (at > start || classes[end] === 0) return at > start ? at : end;
  // The last space belongs to the word behind it, unless it is the only one.
  let last = end - 1;
  while (((bytes[last] as number) & 0xc0) === 0x80) last -= 1;
  return last > start ? last : end;
}
/** ` ?[^\s\p{L}\p{N}]+`, or `start`. */
function endOfSymbols(bytes: Uint8Array, classes: Uint8Array, start: number): number {
  const first = bytes[start] === 0x20 ? start + 1 : start;
  const end = endOfRun(classes, first, mark | other);
  return end > first ? end : start;
}

/**
 * `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*`
 * at a letter or mark.
 */
function endOfCasedWord(classes: Uint8Array, start: number): number {
  const end = endOfRun(classes, start, upper | caseless | mark);
  if (classes[end] === lower) return endOfRun(classes, end, lower | caseless | mark);
  // The first alternative gives capitals back until its second set has one character.
  let at = end;
  while (at > start && classes[at - 1] === upper) at -= 1;
  return at > start ? at : end;
}

const endOfPieceO200k: EndOfPiece = (bytes, classes, start) => {
  const kind = classes[start] as number;
  if (kind === number) return endOfNumber(bytes, classes, start);
  const word = (kind & (space | other)) === 0 ? start : endOfCharacter(bytes, start);
  if (((classes[word] as number) & (letters | mark)) !== 0 && kind !== newline) {
    return endOfContraction(bytes, endOfCasedWord(classes, word));
  }
  let end = endOfSymbols(bytes, classes, start);
  if (end === start) return endOfSpace(bytes, classes, start);
  while (classes[end] === newline || bytes[end] === slash) end += 1;
  return end;
};

const endOfPieceCl100k: EndOfPiece = (bytes, classes, start) => {
  const kind = classes[start] as number;
  if (kind === number) return endOfNumber(bytes, classes, start);
  const contraction = endOfContraction(bytes, start);
  if (contraction > start) return contraction;
  const word = (kind & (space | other | mark)) === 0 ? start : endOfCharacter(bytes, start);
  if (((classes[word] as number) & letters) !== 0) return endOfRun(classes, word, letters);
  const end = endOfSymbols(bytes, classes, start);
  return end === start ? endOfSpace(bytes, classes, start) : endOfRun(classes, end, newline);
};

export const endOfPiece: Readonly<Record<VocabularyName, EndOfPiece>> = {
  o200k_base: endOfPieceO200k,
  cl100k_base: endOfPieceCl100k,
};
