/** Character classes of the scanners, by UTF-16 unit. Only ASCII is classified: texts are folded before they are scanned. */
export const isDigit = (unit: number): boolean => unit >= 48 && unit <= 57;

export const isAsciiLetter = (unit: number): boolean => {
  const lower = unit | 32;
  return lower >= 97 && lower <= 122;
};

export const isAlphanumeric = (unit: number): boolean => isDigit(unit) || isAsciiLetter(unit);

export const isLineBreak = (unit: number): boolean => unit === 10 || unit === 13;

export const isBlank = (unit: number): boolean => unit === 32 || unit === 9;

export const isWhiteSpace = (unit: number): boolean => isBlank(unit) || isLineBreak(unit);

/** A lookup over the ASCII characters named; everything else is outside. */
export function characterSet(members: string): (unit: number) => boolean {
  const table = new Uint8Array(128);
  for (const member of members) table[member.charCodeAt(0)] = 1;
  return (unit) => unit < 128 && table[unit] === 1;
}

export const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
export const DIGITS = "0123456789";
