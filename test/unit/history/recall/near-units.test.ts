import { describe, expect, it } from "vitest";

import { fuseScores, holdVectors, nearUnits } from "../../../../src/history/recall/near-units.ts";
import { readAsk } from "../../../../src/history/recall/read-ask.ts";
import { recallUnits } from "../../../../src/history/recall/recall-units.ts";
import { createUnitReader } from "../../../../src/history/recall/unit-text.ts";
import { takeVectors } from "../../../../src/history/recall/unit-vectors.ts";
import { indexOf, reader, turnsOf } from "./recall-fixtures.ts";

const said = ["My sister keeps bees in Lisbon.", "The rain fell.", "Snow came later.", "Bread is baked."];
const vectorAt = (degrees: number): Float32Array =>
  Float32Array.of(Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180));

/** An index whose units point so many degrees away from the query. */
async function partOf(...degrees: readonly (number | undefined)[]) {
  const index = await indexOf(turnsOf(said));
  for (const [unit, angle] of degrees.entries()) if (angle !== undefined) index.vectors.keep(unit, vectorAt(angle));
  return { index, turns: said.length - 1, allTurns: said.length };
}

/** What is recalled where the query's vector points to 0 degrees, and how often it was asked for. */
async function recalled(text: string, part: Awaited<ReturnType<typeof partOf>>, vector?: Float32Array) {
  const ask = readAsk(text);
  if (!ask) throw new TypeError("the message asks nothing");
  let asked = 0;
  const embed = async () => {
    asked += 1;
    return vector;
  };
  const units = await recallUnits(reader, ask, { parts: [part], nearness: { minSimilarity: 0.4, embed } });
  return { asked, texts: units?.map(createUnitReader()) };
}

const PARAPHRASE = "Which insects does our sibling tend?";

describe("units that are near the question", () => {
  it("are those from the floor on, without those that may not be recalled or have another length", async () => {
    const part = await partOf(60, 70, undefined, 0);
    expect(nearUnits([part], vectorAt(0), 0.4).map(({ unit, score }) => [unit.position, score])).toEqual([
      [0, expect.closeTo(0.5, 5)],
    ]);
    expect(nearUnits([part], Float32Array.of(1), 0.4)).toEqual([]);
    expect(holdVectors([part])).toBe(true);
    expect(holdVectors([await partOf(undefined, undefined, undefined, 0)])).toBe(false);
  });

  it("add to what words found, which counts in proportion to its best", async () => {
    const { index } = await partOf();
    const [a, b, c] = index.units;
    if (!a || !b || !c) throw new TypeError("three units are there");
    const words = [
      { unit: a, score: 4 },
      { unit: b, score: 2 },
    ];
    expect(fuseScores(words, [])).toEqual([a, b]);
    expect(fuseScores(words, [{ unit: c, score: 0.6 }])).toEqual([a, c, b]);
    expect(fuseScores(words, [{ unit: b, score: 0.6 }])).toEqual([b, a]);
  });

  it("are recalled without a word in common", async () => {
    const part = await partOf(20, 90, 90);
    expect(await recalled(PARAPHRASE, part, vectorAt(0))).toEqual({ asked: 1, texts: [said[0]] });
  });

  it("are not looked for where none has a vector, nor for small talk that no words answer", async () => {
    expect(await recalled(PARAPHRASE, await partOf(), vectorAt(0))).toEqual({ asked: 0, texts: undefined });
    expect(await recalled("How are you today?", await partOf(0), vectorAt(0))).toEqual({ asked: 0, texts: undefined });
  });

  it("change nothing when the question's vector does not come", async () => {
    const question = "What does my sister keep in Lisbon?";
    const [late, never] = [await recalled(question, await partOf(90, 0, 0)), await recalled(question, await partOf())];
    expect(late).toEqual({ ...never, asked: 1 });
    expect((await recalled(PARAPHRASE, await partOf(0))).texts).toBeUndefined();
  });
});

describe("vectors of an index", () => {
  it("weigh what they take, once", async () => {
    const { index } = await partOf();
    const before = index.bytes;
    for (const angle of [1, 2]) index.vectors.keep(0, vectorAt(angle));
    expect(index.bytes - before).toBe(8);
  });

  it("are taken over by an index of an edited transcript, up to the edit", async () => {
    const { index } = await partOf(1, 2, 3, 4);
    const turns = turnsOf(said).map((turn, at) => (at < 2 ? turn : { ...turn, key: "edited" }));
    const edited = await indexOf(turns);
    takeVectors(edited, index);
    expect(said.map((_, unit) => edited.vectors.of(unit))).toEqual([vectorAt(1), vectorAt(2), undefined, undefined]);
  });
});
