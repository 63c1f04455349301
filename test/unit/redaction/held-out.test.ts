import { describe, expect, it } from "vitest";

import { emailSample, ipSample } from "../../support/pii/address-samples.ts";
import { harmlessSample } from "../../support/pii/harmless-samples.ts";
import { cardSample, ibanSample, ssnSample } from "../../support/pii/number-samples.ts";
import { phoneSample } from "../../support/pii/phone-samples.ts";
import { createRandom, type Random } from "../../support/pii/random.ts";
import type { Sample } from "../../support/pii/sample.ts";
import { findingsOf, tally, type Tallies } from "../../support/pii/score.ts";
import { inCiOrProving } from "../../support/prove.ts";

const SAMPLES = inCiOrProving(1_500, 50_000);
const SEED = 20_261_126;

const MAKERS: Readonly<Record<string, readonly [make: (random: Random) => Sample, recall: number]>> = {
  EMAIL: [emailSample, 0.99],
  PHONE: [phoneSample, 0.98],
  SSN: [ssnSample, 0.99],
  CARD: [cardSample, 0.99],
  IBAN: [ibanSample, 0.99],
  IP: [ipSample, 0.99],
};

describe("values written in the ways of many countries, in sentences, forms, tables and logs", () => {
  it.each(Object.entries(MAKERS))("%s are found whole and taken for nothing else", (type, [make, recall]) => {
    const random = createRandom(SEED);
    const tallies: Tallies = new Map();
    for (let count = 0; count < SAMPLES; count++) {
      const sample = make(random);
      tally(tallies, { text: sample.text, spans: [sample] });
    }
    const claimed = [...tallies.values()].reduce((sum, counts) => sum + counts.claimed, 0);
    const counts = [...tallies.values()].find(({ wanted }) => wanted > 0);
    if (counts === undefined) throw new TypeError("there were samples");
    const { covered, wanted, right } = counts;
    process.stdout.write(`held out ${type}: ${covered} of ${wanted} whole, ${claimed - right} of ${claimed} wrong\n`);
    expect(covered / wanted).toBeGreaterThanOrEqual(recall);
    expect(right / claimed).toBeGreaterThanOrEqual(0.99);
  });
});

describe("numbers and ids that name nobody", () => {
  it("stay: orders, ISBNs, parcels, times, versions, prices, places, hashes, UUIDs, pages and code", () => {
    const random = createRandom(SEED);
    const taken: string[] = [];
    for (let count = 0; count < SAMPLES * 4; count++) {
      const { text } = harmlessSample(random);
      if (findingsOf(text).length > 0) taken.push(text);
    }
    process.stdout.write(`held out harmless: ${taken.length} of ${SAMPLES * 4} taken\n`);
    expect(taken.length / (SAMPLES * 4)).toBeLessThan(0.001);
  });
});
