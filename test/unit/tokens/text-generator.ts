export type Random = (below: number) => number;

/** mulberry32: the same texts on every machine. */
export function seededRandom(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const inRange = (first: number, last: number) => (random: Random) =>
  String.fromCodePoint(first + random(last - first + 1));
const oneOf = (choices: readonly string[]) => (random: Random) => choices[random(choices.length)] ?? "";

const words = (
  "the The THE memory gateway doesn't we'LL I'Ve they'Re o'clock 'S 'tis isn’t naïve Zürich łódź ǅungla straße Ωμέγα " +
  "hello world function return const await camelCase snake_case SCREAMING_CASE kebab-case JSONParse iPhone McDonald " +
  "привет Москва שלום مرحبا नमस्ते ภาษาไทย 你好世界 日本語テキスト カタカナ 한국어 tiếng Việt ქართული Հայերեն"
).split(" ");
const code = [
  "=>",
  "();",
  "{\n",
  "}\n",
  "\n    ",
  "\t\t",
  "//",
  "/*",
  "*/\r\n",
  "===",
  "?.",
  "`${x}`",
  "</div>",
  "#!/",
  "\\n",
];
const marks = ["\u0301", "\u0308\u0323", "\u200d", "\ufe0f", "\u20e3", "\u0e31", "\u093f"];
const spaces = [
  " ",
  "  ",
  "   ",
  "\t",
  "\n",
  "\r\n",
  "\n\n",
  " \n ",
  "\u00a0",
  "\u3000",
  "\u2028",
  "\u0085",
  "\ufeff",
  "\v\f",
];
const emoji = ["😀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "👍🏽", "❤️", "☕", "🀄"];
const special = ["<|endoftext|>", "<|endofprompt|>", "<|im_start|>", "<|fim_prefix|>"];

const ingredients: readonly ((random: Random) => string)[] = [
  oneOf(words),
  oneOf(words),
  (random) => ` ${oneOf(words)(random)}`,
  oneOf(code),
  oneOf(spaces),
  oneOf(marks),
  oneOf(emoji),
  oneOf(special),
  inRange(0x20, 0x7e),
  inRange(0x20, 0x7e),
  inRange(0x00, 0xff),
  inRange(0x100, 0x24f),
  inRange(0x370, 0x58f),
  inRange(0x590, 0xdff),
  inRange(0x2000, 0x2bff),
  inRange(0x4e00, 0x9fff),
  inRange(0xac00, 0xd7a3),
  inRange(0xd800, 0xdfff),
  inRange(0, 0xffff),
  inRange(0x10000, 0x1ffff),
  inRange(0, 0x10ffff),
  (random) => String(random(1_000_000_000)),
  oneOf(["٣٤٥٦", "½", "Ⅷ", "①②③④", "०१२३", "一二三"]),
  (random) => oneOf(["a", "A", "é", "—", "_", "0", " ", "的", "ʰ", "\n"])(random).repeat(1 + random(12)),
  (random) => oneOf(["'", "’", "/", "'s", "'RE", "'lL", "'d"])(random),
];

/** A text of up to `most` ingredients of every kind: scripts, code, white space, digits, emoji, lone surrogates. */
export function generateText(random: Random, most: number): string {
  return Array.from({ length: 1 + random(most) }, () => ingredients[random(ingredients.length)]?.(random) ?? "").join(
    "",
  );
}

/** Sentences of the words above, with punctuation and now and then a line break. */
export function generateProse(random: Random, wordCount: number): string {
  const ends = [" ", " ", " ", " ", " ", " ", ", ", ". ", "? ", ": ", ".\n\n", " (", ") "];
  return Array.from({ length: wordCount }, () => oneOf(words)(random) + oneOf(ends)(random)).join("");
}
