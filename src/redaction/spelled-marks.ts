/** `jane [at] example [dot] com`, `jane@example[.]com`, `41[.]173[.]96[.]26`: marks spelled out to hide an address. */
const SPELLED = /[[({] ?(at|dot|@|\.) ?[\])}] ?/iy;
const ANYWHERE = /[[({] ?(?:at|dot|@|\.) ?[\])}]/i;
const AT = 64;
const DOT = 46;

export interface SpelledMark {
  readonly unit: number;
  /** Where the text goes on, behind a blank that only sets the mark apart. */
  readonly end: number;
}

export function spelledMark(source: string, at: number): SpelledMark | undefined {
  SPELLED.lastIndex = at;
  const [whole = "", word = ""] = SPELLED.exec(source) ?? [];
  if (whole === "") return undefined;
  return { unit: word === "." || word.toLowerCase() === "dot" ? DOT : AT, end: at + whole.length };
}

export function hasSpelledMark(source: string): boolean {
  return ANYWHERE.test(source);
}
