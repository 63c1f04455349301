import { isAsciiLetter, isDigit } from "../characters.ts";

const SAMPLE = 128;
const MIN_DISTINCT = 7;

export interface Randomness {
  readonly minDigits: number;
  readonly minLetters: number;
  /** How often digits and letters must take turns: `rememberX509Credential` does so twice. */
  readonly minTurns: number;
}

/** Whether a value mixes digits and letters and repeats itself little, as keys do and names and dates do not. */
export function looksRandom(value: string, { minDigits, minLetters, minTurns }: Randomness): boolean {
  let digits = 0;
  let letters = 0;
  let turns = 0;
  let wasDigit: boolean | undefined;
  const distinct = new Set<number>();
  for (let at = 0; at < value.length && at < SAMPLE; at++) {
    const unit = value.charCodeAt(at);
    distinct.add(unit);
    const isNumeral = isDigit(unit);
    if (!isNumeral && !isAsciiLetter(unit)) continue;
    if (isNumeral) digits++;
    else letters++;
    if (wasDigit !== undefined && wasDigit !== isNumeral) turns++;
    wasDigit = isNumeral;
  }
  return (
    digits >= minDigits &&
    letters >= minLetters &&
    turns >= minTurns &&
    distinct.size >= Math.min(MIN_DISTINCT, value.length - 2)
  );
}
