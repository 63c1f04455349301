import { isAlphanumeric, isDigit } from "./characters.ts";

/** Cyrillic and Greek letters that nobody can tell from ASCII ones, each before its twin. */
const LETTERS =
  "аaсcеeіiјjоoрpԛqѕsԝwхxуyһhԁdɡgАAВBСCЕEНHІIЈJКKМMОOРPЅSТTХXУYҮYԌGαaοoνvρpιiυuΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧX";
/** What letters are taken for between digits. */
const NUMERALS = "О0о0Ο0ο0З3з3б6І1і1Ι1ι1Ӏ1";
const REACH = 4;

const TWINS = pairs(LETTERS);
const DIGIT_TWINS = pairs(NUMERALS);

function pairs(list: string): ReadonlyMap<number, number> {
  const twins = new Map<number, number>();
  for (let index = 0; index < list.length; index += 2) twins.set(list.charCodeAt(index), list.charCodeAt(index + 1));
  return twins;
}

/** The ASCII unit that a look-alike stands for inside a word that is ASCII otherwise; a Russian or Greek word stays. */
export function asciiTwin(source: string, at: number): number | undefined {
  const unit = source.charCodeAt(at);
  const digit = DIGIT_TWINS.get(unit);
  if (digit !== undefined && isDigit(asciiNeighbour(source, at, -1)) && isDigitOrEnd(asciiNeighbour(source, at, 1)))
    return digit;
  const letter = TWINS.get(unit);
  if (letter === undefined) return undefined;
  const isInAscii = isAlphanumeric(asciiNeighbour(source, at, -1)) || isAlphanumeric(asciiNeighbour(source, at, 1));
  return isInAscii ? letter : undefined;
}

function isDigitOrEnd(unit: number): boolean {
  return isDigit(unit) || !isAlphanumeric(unit);
}

/** The nearest ASCII unit on one side, past other look-alikes but not past other letters; 0 when there is none near. */
function asciiNeighbour(source: string, at: number, step: number): number {
  for (let distance = 1; distance <= REACH; distance++) {
    const unit = source.charCodeAt(at + step * distance);
    if (Number.isNaN(unit)) return 0;
    if (unit < 128) return unit;
    if (!TWINS.has(unit) && !DIGIT_TWINS.has(unit)) return 0;
  }
  return 0;
}
