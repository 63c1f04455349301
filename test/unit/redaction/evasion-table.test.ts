/** Promise P2: disguises that hide a value from an expression over plain text, each tried on values of every kind. */
import { afterAll, describe, expect, it } from "vitest";

import { emailSample, ipSample } from "../../support/pii/address-samples.ts";
import { cardSample, ibanSample, ssnSample } from "../../support/pii/number-samples.ts";
import { phoneSample } from "../../support/pii/phone-samples.ts";
import { createRandom } from "../../support/pii/random.ts";
import type { Sample } from "../../support/pii/sample.ts";
import { findingsOf } from "../../support/pii/score.ts";
import { inCiOrProving } from "../../support/prove.ts";

const PER_TYPE = inCiOrProving(30, 1_000);
const MAKERS = [emailSample, phoneSample, ssnSample, cardSample, ibanSample, ipSample];

const isFound = ({ type, text, start, end }: Sample): boolean =>
  findingsOf(text).some((found) => found.type === type && found.start <= start && found.end >= end);

/** Values that are found as they are, so that a miss is the disguise's doing. Escapes may stand in none of them already. */
const SAMPLES: readonly Sample[] = MAKERS.flatMap((make) => {
  const random = createRandom(97);
  const samples: Sample[] = [];
  while (samples.length < PER_TYPE) {
    const sample = make(random);
    const value = sample.text.slice(sample.start, sample.end);
    if (/^[!-~ ]+$/.test(value) && !/[[\]{}"%&\\]/.test(value) && isFound(sample)) samples.push(sample);
  }
  return samples;
});

const between = (mark: string) => (value: string) => value.split("").join(mark);
const inMiddle = (mark: string) => (value: string) =>
  value.slice(0, value.length >> 1) + mark + value.slice(value.length >> 1);
const each = (pattern: RegExp, write: (unit: number) => string) => (value: string) =>
  value.replaceAll(pattern, (character) => write(character.charCodeAt(0)));
const digitsFrom = (zero: number) => each(/\d/g, (unit) => String.fromCodePoint(zero + unit - 48));
const hex = (unit: number, length: number): string => unit.toString(16).padStart(length, "0");
const TWINS: Readonly<Record<string, string>> = {
  a: "а",
  c: "с",
  e: "е",
  i: "і",
  o: "ο",
  p: "р",
  x: "х",
  y: "у",
  A: "А",
  B: "В",
  E: "Е",
  H: "Н",
  K: "К",
  M: "М",
  T: "Т",
};
const SPELLED: Readonly<Record<string, string>> = { "@": " [at] ", ".": " [dot] " };

const DISGUISES: Readonly<Record<string, (value: string) => string>> = {
  "full width": each(/[!-~]/g, (unit) => String.fromCodePoint(unit + 0xfee0)),
  "zero width space (U+200B)": between("\u200b"),
  "word joiner (U+2060)": between("\u2060"),
  "soft hyphen (U+00AD)": between("\u00ad"),
  "variation selector (U+FE0F)": between("\ufe0f"),
  "no-break space and hyphen": (value) => value.replaceAll(" ", "\u00a0").replaceAll("-", "\u2011"),
  "Arabic-Indic digits": digitsFrom(0x0660),
  "Devanagari digits": digitsFrom(0x0966),
  "mathematical digits": digitsFrom(0x1d7ce),
  "JSON escapes": each(/[^]/g, (unit) => `\\u${hex(unit, 4)}`),
  "JSON escapes, encoded twice": each(/[@\d]/g, (unit) => `\\\\u${hex(unit, 4)}`),
  "URL encoding": each(/[^A-Za-z0-9]/g, (unit) => `%${hex(unit, 2).toUpperCase()}`),
  "HTML entities": each(/[^]/g, (unit) => `&#${unit};`),
  "HTML entities, hexadecimal": each(/[@.\d]/g, (unit) => `&#x${hex(unit, 2)};`),
  "line break in the middle": inMiddle("\n"),
  "line break and indentation": inMiddle("\r\n  "),
  "glued with underscores": (value) => `_${value}_`,
  "mixed case": (value) =>
    value
      .split("")
      .map((character, index) => (index % 2 === 0 ? character.toUpperCase() : character.toLowerCase()))
      .join(""),
  "look-alikes of other scripts": (value) => value.replaceAll(/[A-Za-z]/g, (letter) => TWINS[letter] ?? letter),
  "[at] and [dot]": (value) => value.replaceAll(/[@.]/g, (mark) => SPELLED[mark] ?? mark),
};

const lines: string[] = [];
afterAll(() => void process.stdout.write(`P2, caught of ${SAMPLES.length}:\n${lines.join("")}`));

describe("a disguised value is caught at least 95 times in a hundred", () => {
  it.each(Object.entries(DISGUISES))("%s", (name, disguise) => {
    const missed = SAMPLES.filter((sample) => {
      const value = disguise(sample.text.slice(sample.start, sample.end));
      const text = sample.text.slice(0, sample.start) + value + sample.text.slice(sample.end);
      const glue = value.startsWith("_") ? 1 : 0;
      return !isFound({ ...sample, text, start: sample.start + glue, end: sample.start + value.length - glue });
    });
    const caught = SAMPLES.length - missed.length;
    const share = ((caught / SAMPLES.length) * 100).toFixed(1);
    const byType = [...new Set(missed.map(({ type }) => type))].join(" ");
    lines.push(`  ${name.padEnd(30)} ${String(caught).padStart(5)}  ${share.padStart(5)} %  ${byType}\n`);
    expect(SAMPLES.length).toBeGreaterThanOrEqual(100);
    expect(caught / SAMPLES.length).toBeGreaterThanOrEqual(0.95);
  });
});
