import { isAsciiLetter, isDigit } from "../characters.ts";

const SAMPLE = 128;
const MIN_DISTINCT = 7;

export interface Randomness {
  readonly minDigits: number;
  readonly minLetters: number;
}

/** Whether a value mixes digits and letters and repeats itself little, as keys do and names and dates do not. */
export function looksRandom(value: string, { minDigits, minLetters }: Randomness): boolean {
  let digits = 0;
  let letters = 0;
  const distinct = new Set<number>();
  for (let at = 0; at < value.length && at < SAMPLE; at++) {
    const unit = value.charCodeAt(at);
    distinct.add(unit);
    if (isDigit(unit)) digits++;
    else if (isAsciiLetter(unit)) letters++;
  }
  return digits >= minDigits && letters >= minLetters && distinct.size >= MIN_DISTINCT;
}
