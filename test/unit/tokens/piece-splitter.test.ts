import cl100k from "js-tiktoken/ranks/cl100k_base";
import o200k from "js-tiktoken/ranks/o200k_base";
import { describe, expect, it } from "vitest";

import { buildCharacterClasses, classifyBytes } from "../../../src/tokens/character-class.ts";
import { endOfPiece } from "../../../src/tokens/piece-splitter.ts";
import type { VocabularyName } from "../../../src/tokens/vocabulary-name.ts";
import { generateText, seededRandom } from "./text-generator.ts";

const characterClasses = buildCharacterClasses();

function piecesOf(name: VocabularyName, text: string): string[] {
  const encoded = Buffer.from(text);
  const bytes = new Uint8Array(encoded.length + 4);
  bytes.set(encoded);
  const classes = new Uint8Array(bytes.length);
  classifyBytes(characterClasses, { bytes, classes, length: encoded.length });
  const pieces: string[] = [];
  for (let start = 0; start < encoded.length;) {
    const end = endOfPiece[name](bytes, classes, start);
    pieces.push(encoded.toString("utf8", start, end));
    start = end;
  }
  return pieces;
}

const patterns: readonly (readonly [VocabularyName, string])[] = [
  ["o200k_base", o200k.pat_str],
  ["cl100k_base", cl100k.pat_str],
];

/** What the alternatives and the backtracking of the patterns turn on. */
const alphabet = [
  "a",
  "A",
  "的",
  "\u0301",
  "ʰ",
  "7",
  " ",
  "\t",
  "\n",
  "\r",
  "'",
  "s",
  "L",
  "l",
  "/",
  ".",
  "\u00a0",
  "😀",
  "é",
];

describe.each(patterns)("pieces under %s are the matches of its pattern", (name, source) => {
  const matches = (text: string): string[] => text.toWellFormed().match(new RegExp(source, "gu")) ?? [];

  it("on every text of up to three characters that the pattern tells apart", () => {
    const texts = alphabet.flatMap((a) => ["", ...alphabet].flatMap((b) => ["", ...alphabet].map((c) => a + b + c)));
    expect(texts.filter((text) => piecesOf(name, text).join("\u{f0000}") !== matches(text).join("\u{f0000}"))).toEqual(
      [],
    );
  });

  it("on 50,000 longer ones", () => {
    const random = seededRandom(3);
    const wrong: string[] = [];
    for (let index = 0; index < 50_000; index += 1) {
      const mixed = Array.from({ length: 4 + random(12) }, () => alphabet[random(alphabet.length)] ?? "").join("");
      const text = index % 2 === 0 ? mixed : generateText(random, 8);
      if (piecesOf(name, text).join("\u{f0000}") !== matches(text).join("\u{f0000}")) wrong.push(text);
    }
    expect(wrong.map((text) => JSON.stringify(text)).slice(0, 10)).toEqual([]);
  });
});
