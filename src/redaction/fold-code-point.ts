const INVISIBLE = /^[\p{Default_Ignorable_Code_Point}\p{M}]$/u;
const DECIMAL = /^\p{Nd}$/u;
const DASH = /^[\p{Pd}\u2212\u02d7\u2043\u207b\u208b]$/u;
const SPACE = /^[\p{Zs}]$/u;
const LINE_END = /^[\u0085\u2028\u2029]$/u;
const FULL_STOP = /^[\u3002\uff61\u06d4]$/u;

// A pure function of the code point, remembered because normalising one character takes longer than scanning a line.
const folds = new Map<number, string>();
const MAX_REMEMBERED = 8192;

/** What a character beyond ASCII is matched as: often itself, sometimes plain ASCII, sometimes nothing. */
export function foldCodePoint(codePoint: number): string {
  const known = folds.get(codePoint);
  if (known !== undefined) return known;
  const fold = computeFold(codePoint);
  if (folds.size < MAX_REMEMBERED) folds.set(codePoint, fold);
  return fold;
}

function computeFold(codePoint: number): string {
  const character = String.fromCodePoint(codePoint);
  return Array.from(foldOne(character).normalize("NFKC"), foldOne).join("");
}

function foldOne(character: string): string {
  if (INVISIBLE.test(character)) return "";
  if (DECIMAL.test(character)) return decimalDigit(character);
  if (DASH.test(character)) return "-";
  if (SPACE.test(character)) return " ";
  if (LINE_END.test(character)) return "\n";
  return FULL_STOP.test(character) ? "." : character;
}

/** Unicode keeps the ten digits of a script together and in order; the five mathematical alphabets follow each other. */
function decimalDigit(character: string): string {
  const codePoint = character.codePointAt(0) ?? 0;
  let before = 0;
  while (DECIMAL.test(String.fromCodePoint(codePoint - before - 1))) before++;
  return String(before % 10);
}
