import { describe, expect, it } from "vitest";

import { readAsk } from "../../../../src/history/recall/read-ask.ts";
import { recallUnits } from "../../../../src/history/recall/recall-units.ts";
import { indexOf, reader, turnsOf } from "./recall-fixtures.ts";

const chatter = Array.from({ length: 30 }, (_, at) => `It was day ${at} and the rain fell on the roofs.`);
const old = ["My sister Annegret keeps bees in Lisbon.", "Meine Schwester Heike züchtet Schafe in Husum.", ...chatter];

/** Whether a message makes the gateway recall, given what was said long ago and what the context holds. */
async function recalls(text: string, shown: readonly string[] = []): Promise<boolean> {
  const ask = readAsk(text);
  if (!ask) return false;
  const index = await indexOf(turnsOf([...old, ...shown]));
  const part = { index, turns: old.length, allTurns: index.turnCount };
  return (await recallUnits(reader, ask, { parts: [part] })) !== undefined;
}

describe("the gate opens for", () => {
  it.each([
    "What does my sister keep in Lisbon?",
    "Annegret: What does my sister keep in Lisbon?",
    "[3 May, 10:15] Anna: What does my sister keep in Lisbon?",
    "I am writing her a card. What does my sister keep in Lisbon?",
    "Can you tell me what my sister keeps in Lisbon?",
    "Remind me what my sister keeps in Lisbon.",
    "Tell me about the bees you mentioned, of my sister in Lisbon.",
    "Was züchtet meine Schwester in Husum?",
  ])("%s", async (text) => expect(await recalls(text)).toBe(true));

  it("a question at the end of a long text", async () => {
    const text = `${"The report goes on and on about nothing. ".repeat(300)}\n\nWhat does my sister keep in Lisbon?`;
    expect(await recalls(text)).toBe(true);
  });
});

describe("the gate stays shut for", () => {
  it.each([
    "Good morning!",
    "My sister keeps goats in Lisbon now.",
    "The bees are fine. How are you today, my sister?",
    "Which violin costs least?",
    "This reminds me of you.",
    "",
  ])("%s", async (text) => expect(await recalls(text)).toBe(false));

  it("what the context tells better", async () => {
    const question = "Do my sister's bees mind the hens, the goats and the donkey?";
    expect(await recalls(question)).toBe(true);
    expect(await recalls(question, ["My sister has hens, goats and a donkey now."])).toBe(false);
  });
});

describe("a question is known", () => {
  it.each([
    ["Greek, by what is a semicolon elsewhere", "Πού είναι η αδελφή μου;"],
    ["Arabic", "أين تعيش أختي؟"],
    ["Chinese", "我妹妹住在哪里？"],
    ["Japanese, without a mark", "妹はどこに住んでいますか。"],
    ["Armenian, inside the sentence", "Որտե՞ղ է քույրս։"],
  ])("in %s", (_, text) => expect(readAsk(text)).toMatchObject({ isAllQuestions: true }));

  it("by its end: a semicolon asks nothing in English", () => {
    expect(readAsk("I like bees; you like goats;")).toBeUndefined();
  });

  it("and taken from a long message alone, so that the rest does not blur the search", () => {
    const ask = readAsk(`${"Nothing to see here. ".repeat(30)}Where does Anna live?`);
    expect(ask?.query).toBe("Where does Anna live?");
  });
});
