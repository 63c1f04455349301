/** What the split patterns tell apart, one bit each, so that a set of classes is one mask. */
export const characterClass = {
  upper: 1, // \p{Lu} \p{Lt}
  lower: 2, // \p{Ll}
  caseless: 4, // \p{Lm} \p{Lo}
  mark: 8, // \p{M}
  number: 16, // \p{N}
  newline: 32, // \r \n
  space: 64, // any other \s
  other: 128,
} as const;

/** The class of every code point, in pages of 256 of which equal ones are kept once. */
export interface CharacterClasses {
  readonly pageOf: Uint16Array;
  readonly pages: Uint8Array;
}

const codePoints = 0x110000;
const pageSize = 256;
const patterns: readonly (readonly [RegExp, number])[] = [
  [/[\p{Lu}\p{Lt}]/u, characterClass.upper],
  [/\p{Ll}/u, characterClass.lower],
  [/[\p{Lm}\p{Lo}]/u, characterClass.caseless],
  [/\p{M}/u, characterClass.mark],
  [/\p{N}/u, characterClass.number],
  [/[\r\n]/u, characterClass.newline],
  [/\s/u, characterClass.space],
];

function classOf(codePoint: number): number {
  const character = String.fromCodePoint(codePoint);
  return patterns.find(([pattern]) => pattern.test(character))?.[1] ?? characterClass.other;
}

/** Asks the regular expressions of this Node about every code point: a third of a second, so not for the event loop. */
export function buildCharacterClasses(): CharacterClasses {
  const pageOf = new Uint16Array(codePoints / pageSize);
  const pages: number[] = [];
  const known = new Map<string, number>();
  for (let page = 0; page < pageOf.length; page += 1) {
    const classes = Uint8Array.from({ length: pageSize }, (_, low) => classOf(page * pageSize + low));
    const key = Buffer.from(classes.buffer).toString("latin1");
    const index = known.get(key) ?? known.size;
    if (index === known.size) {
      known.set(key, index);
      pages.push(...classes);
    }
    pageOf[page] = index;
  }
  return { pageOf, pages: Uint8Array.from(pages) };
}

/**
 * Gives every byte of a UTF-8 text the class of its character, continuation bytes included, so that a run of classes is
 * found without decoding. Writes a 0, which is in no set, behind the last byte.
 */
export function classifyBytes(
  { pageOf, pages }: CharacterClasses,
  { bytes, classes, length }: { bytes: Uint8Array; classes: Uint8Array; length: number },
): void {
  let at = 0;
  while (at < length) {
    const lead = bytes[at] as number;
    if (lead < 0x80) {
      classes[at] = pages[lead] as number;
      at += 1;
      continue;
    }
    const width = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    let codePoint = lead & (0x7f >> width);
    for (let next = at + 1; next < at + width; next += 1)
      codePoint = (codePoint << 6) | ((bytes[next] as number) & 0x3f);
    const kind = pages[((pageOf[codePoint >> 8] as number) << 8) | (codePoint & 0xff)] as number;
    classes[at] = kind;
    classes[at + 1] = kind;
    if (width > 2) classes[at + 2] = kind;
    if (width > 3) classes[at + 3] = kind;
    at += width;
  }
  classes[length] = 0;
}
