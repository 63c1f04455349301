import { describe, expect, it } from "vitest";

import { languages } from "../../../../src/history/recall/languages.ts";
import { readWords } from "../../../../src/history/recall/read-words.ts";
import { splitPassages } from "../../../../src/history/recall/split-passages.ts";
import { openTermReader } from "../../../../src/history/recall/term-reader.ts";
import { countLoopTurns } from "../../../support/loop-turns.ts";
import { reader } from "./recall-fixtures.ts";

async function termsOf(text: string, fallback: "english" | "german" = "english") {
  await reader.prepare([text], fallback);
  return reader.read(text, fallback);
}

describe("the words of a text", () => {
  it("are folded: case, width and the accents of Latin and Greek letters count for nothing", () => {
    expect(readWords("Ｃafé São Ελλάδα").spaced).toEqual(["cafe", "sao", "ελλαδα"]);
  });

  it("keep the vowel signs of scripts in which they are letters", () => {
    expect(readWords("किताब").spaced).toEqual(["किताब"]);
  });

  it("are pairs of characters where no spaces are written", () => {
    expect(readWords("I like 東京タワー")).toEqual({ spaced: ["i", "like"], pairs: ["東京", "京タ", "タワ", "ワー"] });
    expect(readWords("猫").pairs).toEqual(["猫"]);
  });
});

describe("a term reader", () => {
  it("takes in the stopwords of one language for each turn of the event loop", async () => {
    const turns = countLoopTurns();
    await openTermReader();
    turns.stop();
    expect(turns.now()).toBeGreaterThanOrEqual(Object.keys(languages).length);
  });
});

describe("the terms of a text", () => {
  it("are stems without stopwords, so that forms of a word meet", async () => {
    expect((await termsOf("She was painting the houses")).terms).toEqual((await termsOf("paint a house")).terms);
  });

  it("lead irregular forms back to their word", async () => {
    expect((await termsOf("bought teeth")).terms).toEqual((await termsOf("buying a tooth")).terms);
  });

  it("are all words where nothing else is left", async () => {
    expect((await termsOf("who are you")).terms).toHaveLength(3);
  });

  it.each([
    ["german", "Wo wohnt meine Schwester jetzt?", "Meine Schwestern wohnen in Köln."],
    ["spanish", "¿Cómo se llama mi hermana?", "Mis hermanas se llaman Ana y Eva."],
    ["french", "Quand est-ce que les fêtes commencent ?", "La fête a commencé."],
    ["russian", "Где моя книга?", "Я не нашёл мою книгу."],
  ])("are stemmed in their own language: %s", async (language, question, told) => {
    const [asked, said] = [await termsOf(question), await termsOf(told)];
    expect(asked.language).toBe(language);
    expect(asked.terms.some((term) => said.terms.includes(term))).toBe(true);
  });

  it("are read in the language expected where a text does not tell", async () => {
    expect((await termsOf("Katzen Hunde", "german")).language).toBe("german");
    expect((await termsOf("Katzen Hunde")).language).toBe("english");
  });

  it("need their language loaded", () => {
    expect(() => reader.read("Meidän talomme on suuri ja se on vanha", "english")).toThrow("no text in finnish");
  });
});

describe("the passages of a text", () => {
  it("are the whole of a short one, and none of an empty one", () => {
    expect(splitPassages("Good morning.")).toEqual([{ start: 0, end: 13 }]);
    expect(splitPassages(" \n ")).toEqual([]);
  });

  it("part a long one at its paragraphs, and lose nothing", () => {
    const text = Array.from({ length: 40 }, (_, at) => `Paragraph ${at} ${"word ".repeat(30)}`).join("\n\n");
    const passages = splitPassages(text);
    expect(passages.map(({ start, end }) => text.slice(start, end)).join("")).toBe(text);
    for (const { start } of passages) expect(text.slice(start)).toMatch(/^Paragraph/);
  });

  it("part no character", () => {
    for (const { start, end } of splitPassages("😀".repeat(5_000))) expect((end - start) % 2).toBe(0);
  });

  it("end where a text is too long to be read", () => {
    expect(splitPassages("x".repeat(1_000_000)).at(-1)?.end).toBe(64_000);
  });
});
