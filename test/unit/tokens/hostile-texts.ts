import { type Random, seededRandom } from "./text-generator.ts";

const repeated = {
  "one small letter": "a",
  "one capital": "A",
  spaces: " ",
  underscores: "_",
  "one digit": "7",
  "one Chinese character": "的",
  "one emoji": "😀",
  newlines: "\n",
  "CR LF": "\r\n",
  "spaces and newlines": " \n",
  tabs: "\t",
  "letters and dots": "a.a.",
  "letters and digits": "a1",
  "combining marks": "\u0301",
  "letters under marks": "a\u0301\u0302\u0303",
  "zero width spaces": "\u200b",
  "family emoji": "👩‍👩‍👧‍👦",
  contractions: "it's'LL",
  slashes: "/",
  "no-break spaces": "\u00a0",
  NULs: "\0",
  "lone surrogates": "\ud800",
  "camel case": "aB",
  "Arabic without spaces": "ستكونالمدرسة",
  "Thai without spaces": "ภาษาไทยเป็นภาษาที่มีระดับเสียงของคำแน่นอน",
  "Chinese prose": "人工智能正在改变我们的生活方式，许多企业开始使用大型语言模型。",
  "capitals behind a caseless letter": "的AAAAAAAAAAAAAAAAAAAAAAAA",
  "spaces before a letter": `${" ".repeat(1000)}x`,
  JSON: '{"id":"call_abc123","value":[1,2.5,null,true],"name":"Zoë"},',
  code: "for (let i = 0; i < items.length; i += 1) {\n    total += items[i]?.price ?? 0;\n}\n",
} as const;

const character = (first: number, count: number) => (random: Random) => String.fromCodePoint(first + random(count));
const word = (length: number) => (random: Random) =>
  `${Array.from({ length }, () => character(97, 26)(random)).join("")} `;

const generated: Readonly<Record<string, (random: Random) => string>> = {
  "random letters": character(97, 26),
  "random capitals": character(65, 26),
  "random case": (random) => character(random(2) === 0 ? 65 : 97, 26)(random),
  "random bytes as Latin-1": character(0, 256),
  "random accents": character(0xc0, 0x100),
  "random Chinese": character(0x4e00, 20_900),
  "random rare Chinese": character(0x20000, 40_000),
  "random Hangul": character(0xac00, 11_172),
  "random emoji": character(0x1f300, 700),
  "random symbols": character(0x2500, 0x300),
  "random private use": character(0xe000, 6000),
  "random punctuation": character(0x21, 15),
  "random base64": (random) => Buffer.from(Array.from({ length: 48 }, () => random(256))).toString("base64"),
  "random hexadecimal": (random) => Buffer.from(Array.from({ length: 32 }, () => random(256))).toString("hex"),
  "random words of 12": word(12),
  "random words of 40": word(40),
};

/** Texts of `bytes` bytes of UTF-8 each, of the shapes that tokenisers are known to choke on. */
export function* hostileTexts(bytes: number): Generator<readonly [name: string, text: string]> {
  for (const [name, unit] of Object.entries(repeated)) {
    yield [name, unit.repeat(Math.floor(bytes / Buffer.byteLength(unit)))];
  }
  for (const [name, unit] of Object.entries(generated)) {
    const random = seededRandom(1);
    const parts: string[] = [];
    for (let size = 0; size < bytes; size += Buffer.byteLength(parts.at(-1) ?? "")) parts.push(unit(random));
    parts.pop();
    yield [name, parts.join("")];
  }
}
