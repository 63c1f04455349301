import { Tiktoken } from "js-tiktoken/lite";
import cl100k from "js-tiktoken/ranks/cl100k_base";
import o200k from "js-tiktoken/ranks/o200k_base";
import { beforeAll, describe, expect, it } from "vitest";

import { openTokenCounters } from "../../../src/tokens/open-token-counters.ts";
import type { TokenCounter } from "../../../src/tokens/token-counter.ts";
import { generateProse, generateText, seededRandom } from "./text-generator.ts";
import { recordingLog, sharedDirectory } from "./vocabulary-fixture.ts";

interface Oracle {
  readonly model: string;
  readonly ranks: typeof o200k;
  readonly texts: number;
}

const oracles: readonly (readonly [string, Oracle])[] = [
  ["o200k_base", { model: "gpt-4o", ranks: o200k, texts: 100_000 }],
  ["cl100k_base", { model: "gpt-4", ranks: cl100k, texts: 20_000 }],
];

describe.each(oracles)("counts of %s equal js-tiktoken's", (_, { model, ranks, texts }) => {
  const reference = new Tiktoken(ranks);
  const expected = (text: string): number => reference.encode(text, [], []).length;
  const directory = sharedDirectory();
  let counter: TokenCounter;
  beforeAll(async () => {
    const counters = openTokenCounters({ cacheDirectory: directory, log: recordingLog() });
    await counters.ready;
    expect(counters.exact).toBe(true);
    counter = counters.forModel(model);
  });

  it(`on ${texts} generated texts and 300 of prose`, () => {
    const random = seededRandom(20_261_124);
    const wrong: string[] = [];
    for (let index = 0; index < texts + 300; index += 1) {
      const text = index < texts ? generateText(random, 6) : generateProse(random, 150);
      if (counter.countText(text) !== expected(text)) wrong.push(text);
    }
    expect(wrong.map((text) => JSON.stringify(text)).slice(0, 10)).toEqual([]);
  });

  it("on every code point, alone and among letters, spaces and apostrophes", () => {
    const wrong: string[] = [];
    const random = seededRandom(7);
    const contexts = [(it: string) => `a${it}B`, (it: string) => ` ${it}'s`, (it: string) => `${it}${it}\n`];
    for (let codePoint = 0; codePoint < 0x110000; codePoint += codePoint < 0x3000 ? 1 : 1 + random(120)) {
      const text = contexts[codePoint % contexts.length]?.(String.fromCodePoint(codePoint)) ?? "";
      if (counter.countText(text) !== expected(text)) wrong.push(codePoint.toString(16));
    }
    expect(wrong.slice(0, 10)).toEqual([]);
  });

  it("on long texts, that are encoded in chunks, also of several who are counted in turns", async () => {
    const random = seededRandom(5);
    const long = [0, 1, 2].map((one) => `${generateProse(random, 16_000)}${"é 的 😀 ".repeat(one * 3_000)}`);
    expect(Math.min(...long.map(({ length }) => length))).toBeGreaterThan(80_000);
    expect(long.map((text) => counter.countText(text))).toEqual(long.map(expected));
    const counting = long.map((text) => counter.countInSlices(text));
    expect(counting[0]).toBeInstanceOf(Promise);
    expect(await Promise.all(counting.map(async (count) => count))).toEqual(long.map(expected));
  });

  it("on pieces long enough for the heap", () => {
    const random = seededRandom(99);
    const alphabets = ["a", "ab", "_", " ", "的", "e\u0301", "thequickbrownfox", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "-=*"];
    const pieces = alphabets.flatMap((alphabet) =>
      [39, 40, 41, 97, 200].map((length) =>
        Array.from({ length }, () => alphabet[random(alphabet.length)] ?? "").join(""),
      ),
    );
    expect(pieces.map((piece) => counter.countText(piece))).toEqual(pieces.map(expected));
  });
});
