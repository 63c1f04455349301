import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { namedSpeaker } from "../../../../src/history/recall/named-speaker.ts";
import { readQuery } from "../../../../src/history/recall/read-query.ts";
import type { RecallIndex, RecallUnit } from "../../../../src/history/recall/recall-index.ts";
import { readRemark } from "../../../../src/history/recall/remark.ts";
import { searchUnits } from "../../../../src/history/recall/search-units.ts";
import { inCiOrProving } from "../../../support/prove.ts";
import { assistant, message, tool } from "../history-session.ts";
import { indexOf, MINUTE, reader, type SaidTurn, turnsOf } from "./recall-fixtures.ts";

const textOf = ({ message: said, start, end }: RecallUnit): string => readRemark(said)?.text.slice(start, end) ?? "";

function search(indexes: readonly RecallIndex[], question: string, turns = Infinity): string[] {
  const parts = indexes.map((index) => ({ index, turns: Math.min(turns, index.turnCount), allTurns: index.turnCount }));
  return searchUnits(parts, readQuery(reader, question, "english")).map(({ unit }) => textOf(unit));
}

const chatter = Array.from({ length: 30 }, (_, at) => `It was day ${at} and the rain fell on the roofs.`);

describe("a search", () => {
  it("finds the remark that tells, first of all", async () => {
    const index = await indexOf(turnsOf([...chatter, "Anna bought a violin in Cremona.", ...chatter]));
    expect(search([index], "Where did Anna buy her violin?")[0]).toBe("Anna bought a violin in Cremona.");
  });

  it("brings what was said just before and after it, so that it can be understood", async () => {
    const said = ["Guess what!", "Anna bought a violin in Cremona.", "It cost a fortune."];
    const index = await indexOf(turnsOf([...chatter, ...said, ...chatter]));
    expect(search([index], "Where did Anna buy her violin?").slice(0, 3).toSorted()).toEqual(said.toSorted());
  });

  it("takes in the sitting in which it was said, up to the next long pause", async () => {
    const sitting = (day: number, first: string): SaidTurn[] =>
      [first, ...chatter.slice(0, 12).map((text) => `${text} Sitting ${day}.`)].map((user, at) => ({
        user,
        at: day * 1_000 * MINUTE + at * MINUTE,
      }));
    const said = [sitting(1, "Hello."), sitting(2, "Anna bought a violin."), sitting(3, "Hello again.")].flat();
    const found = search([await indexOf(turnsOf(said))], "violin");
    expect(found).toContain("It was day 11 and the rain fell on the roofs. Sitting 2.");
    expect(found.filter((text) => text.endsWith("Sitting 3.") && text.includes("day 11"))).toEqual([]);
  });

  it("prefers the one speaker whom the question names", async () => {
    const pair = ["Anna: Ben, you like that trip, trip by trip.", "Ben: I liked the trip, Anna."];
    const index = await indexOf(turnsOf([...pair, ...pair, ...pair]));
    expect(search([index], "Which trip did Ben like?")[0]).toMatch(/^Ben: /);
    expect(search([index], "Which trip did Anna and Ben like?")[0]).toMatch(/^Anna: /);
  });

  it("knows speakers whose remarks do not open with their names by what the other calls them", async () => {
    const pair: SaidTurn = {
      user: "Hey Ben, you like that trip, trip by trip.",
      assistant: "So far, Anna, I liked the trip.",
    };
    const index = await indexOf(turnsOf([pair, pair, pair]));
    expect(search([index], "Which trip did Ben like?")[0]).toMatch(/^So far/);
    expect(search([index], "Which trip did Anna and Ben like?")[0]).toMatch(/^Hey Ben/);
    expect(search([await indexOf(turnsOf([pair, pair]))], "Which trip did Ben like?")[0]).toMatch(/^Hey Ben/);
  });

  it("takes what is spoken of for no speaker, however often it stands where a name would", async () => {
    const namesIn = async (answers: readonly string[]) => {
      const index = await indexOf(turnsOf(answers.map((assistant) => ({ user: "Where to?", assistant }))));
      const query = readQuery(reader, "Who went to Rome?", "english");
      return [...namedSpeaker([{ index, turns: index.turnCount, allTurns: index.turnCount }], query).names];
    };
    const called = Array.from({ length: 4 }, (_, at) => `Good luck, Rome! That is plan ${at}.`);
    const spokenOf = ["Many like Rome best.", "The train to Rome is late."];
    expect(await namesIn(called)).toEqual(["rome"]);
    expect(await namesIn([...called, ...spokenOf])).toEqual([]);
    expect(await namesIn(Array.from({ length: 4 }, () => "There are Paris, Rome, Berlin and Prague."))).toEqual([]);
  });

  it("prefers the answer to a question before it", async () => {
    const first = async (opening: string) => {
      const said = [...chatter, opening, "The old one, from a widow.", ...chatter];
      return search([await indexOf(turnsOf(said))], "violin from Cremona")[0];
    };
    expect(await first("Which violin did you buy in Cremona?")).toBe("The old one, from a widow.");
    expect(await first("I bought a violin in Cremona.")).toBe("I bought a violin in Cremona.");
  });

  it("prefers the day that the question names, and then the week after it", async () => {
    const days = [1, 3, 20].map((day) => ({ user: `I bought ${day} violins.`, at: Date.UTC(2026, 4, day) }));
    const index = await indexOf(turnsOf(days));
    const found = search([index], "Which violins did I buy on 1 May 2026?");
    expect(found).toEqual(["I bought 1 violins.", "I bought 3 violins.", "I bought 20 violins."]);
    expect(search([index], "Which violins did I buy on May 20th?")[0]).toBe("I bought 20 violins.");
  });

  it("sees nothing of what comes behind the turns it may search", async () => {
    const turns = turnsOf([...chatter, "Anna bought a violin.", "The violin was stolen."]);
    const [all, before] = [await indexOf(turns), await indexOf(turns.slice(0, -1))];
    expect(search([all], "violin", turns.length - 1)).toEqual(search([before], "violin"));
    expect(search([all], "violin", turns.length - 1)).not.toContain("The violin was stolen.");
  });

  it("ranks the remarks of several sessions together", async () => {
    const indexes = [
      await indexOf(turnsOf(chatter)),
      await indexOf(turnsOf([...chatter, "Anna bought a violin in Cremona."])),
    ];
    expect(search(indexes, "Where did Anna buy her violin?")[0]).toBe("Anna bought a violin in Cremona.");
  });

  it("finds passages of a long message, and neither tool results nor calls", async () => {
    const long = [...chatter, "Anna bought a violin in Cremona.", ...chatter].join("\n\n");
    const results = [assistant("", "call"), tool("call", "violin violin violin"), message("system", "violin")];
    const index = await indexOf([...turnsOf([long]), { key: "tools", at: 0, messages: results }]);
    const [best = ""] = search([index], "Where did Anna buy her violin?");
    expect(best).toContain("Anna bought a violin in Cremona.");
    expect(best.length).toBeLessThanOrEqual(1_200);
    expect(index.units.every(({ turn }) => turn === 0)).toBe(true);
  });

  it("finds nothing where no word of the question was said", async () => {
    expect(search([await indexOf(turnsOf(chatter))], "violin")).toEqual([]);
  });
});

const words = ["anna", "violin", "river", "Köln", "the", "was", "schwester", "東京", "😀", "Ben: ", "\n\n", "bees"];
const remark = fc.array(fc.constantFrom(...words), { maxLength: 30 }).map((list) => list.join(" "));
const turns = fc.array(
  fc.record({ user: remark, assistant: remark, at: fc.integer({ min: 0, max: 10_000 * MINUTE }) }),
  { maxLength: 25 },
);

describe("an index", () => {
  it("takes a long turn in with pauses, and nobody finds half of it", async () => {
    const index = await indexOf(turnsOf(chatter));
    const before = index.unitsIn(Infinity);
    const messages = Array.from({ length: 2_000 }, (_, at) =>
      message("user", `The violin of the year ${at} was stolen.`),
    );
    const looks: number[] = [];
    let isAdded = false;
    const look = (): void => {
      if (isAdded) return;
      looks.push(search([index], "violin").length + index.unitsIn(Infinity) - before);
      setImmediate(look);
    };
    setImmediate(look);
    await index.add({ key: "long", at: 0, messages });
    isAdded = true;
    expect(looks.length).toBeGreaterThan(10);
    expect(Math.max(...looks)).toBe(0);
    expect(index.unitsIn(Infinity) - before).toBe(2_000);
    expect(search([index], "violin").length).toBeGreaterThan(0);
  });

  it("that grew turn by turn is, as far as each turn, the one made of so many turns at once", async () => {
    let tried = 0;
    const property = fc.asyncProperty(turns, fc.nat(), remark, async (said: SaidTurn[], cut, question) => {
      const count = said.length === 0 ? 0 : cut % said.length;
      const [grown, made] = [await indexOf(turnsOf(said)), await indexOf(turnsOf(said.slice(0, count)))];
      await reader.prepare([question], "english");
      expect(grown.unitsIn(count)).toBe(made.units.length);
      expect(grown.units.slice(0, made.units.length)).toEqual(made.units);
      expect(search([grown], question, count)).toEqual(search([made], question));
      tried += 1;
    });
    await fc.assert(property, { numRuns: inCiOrProving(150, 10_000) });
    process.stdout.write(`an index grown and made: ${tried} tried, 0 failures\n`);
  });
});
