/** Scripts that set no spaces between words, or glue particles to them: what is searched for there are pairs of characters. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/gu;
const WORD = /[\p{L}\p{N}\p{M}]+/gu;
const ASCII = /^[\x00-\x7f]*$/;
/** Accents are often left out, so they count for nothing; vowel signs of other scripts are letters of their own. */
const ACCENT = /([\p{Script=Latin}\p{Script=Greek}])[\u0300-\u036f]+/gu;

export interface Words {
  /** Words between spaces, folded: lower case, without accents. */
  readonly spaced: readonly string[];
  /** Pairs of neighbouring characters of scripts without spaces. */
  readonly pairs: readonly string[];
}

export function readWords(text: string): Words {
  const folded = fold(text);
  if (ASCII.test(folded)) return { spaced: folded.match(WORD) ?? [], pairs: [] };
  const runs = folded.match(UNSPACED) ?? [];
  return { spaced: folded.replace(UNSPACED, " ").match(WORD) ?? [], pairs: runs.flatMap(pairsOf) };
}

function fold(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  return text.normalize("NFKD").replace(ACCENT, "$1").normalize("NFKC").toLowerCase();
}

function pairsOf(run: string): string[] {
  const characters = Array.from(run);
  if (characters.length === 1) return characters;
  return characters.slice(1).map((character, index) => `${characters[index]}${character}`);
}
