import { describe, expect, it } from "vitest";

import { redacted, shape } from "./redaction-probe.ts";

/** Deterministic values of every kind, so that each disguise is tried on more than a hundred. */
const COUNT = 25;

function digits(seed: number, length: number): string {
  let state = seed * 2_654_435_761 + 12_345;
  let text = "";
  while (text.length < length) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    text += String(Math.floor(state / 65_536) % 10);
  }
  return text;
}

function withLuhn(body: string): string {
  for (let check = 0; check < 10; check++) if (luhn(`${body}${check}`)) return `${body}${check}`;
  throw new TypeError("one of ten digits fits");
}

function luhn(number: string): boolean {
  const sum = [...number].toReversed().reduce((total, digit, index) => {
    const doubled = Number(digit) * (index % 2 === 0 ? 1 : 2);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
}

function iban(seed: number): string {
  const account = digits(seed, 18);
  const remainder = [...`${account}131400`].reduce((rest, digit) => (rest * 10 + Number(digit)) % 97, 0);
  return `DE${String(98 - remainder).padStart(2, "0")}${account}`;
}

const seeds = Array.from({ length: COUNT }, (_, index) => index + 1);
const VALUES: Record<string, readonly string[]> = {
  EMAIL: seeds.map((seed) => `jane.${digits(seed, 3)}@mail${seed}.example.com`),
  CARD: seeds.map((seed) =>
    withLuhn(`4${digits(seed, 14)}`).replaceAll(/(.{4})(?=.)/g, seed % 2 === 0 ? "$1 " : "$1-"),
  ),
  SSN: seeds.map((seed) => `${100 + seed}-${10 + seed}-${1000 + seed * 37}`),
  PHONE: seeds.map((seed) =>
    seed % 2 === 0 ? `+1 415-55${seed % 10}-${1000 + seed}` : `(415) 55${seed % 10}-${1000 + seed}`,
  ),
  IBAN: seeds.map((seed) => iban(seed)),
};

const between = (mark: string) => (value: string) => value.split("").join(mark);
const inMiddle = (mark: string) => (value: string) =>
  value.slice(0, value.length >> 1) + mark + value.slice(value.length >> 1);
const digitsFrom = (zero: number) => (value: string) =>
  value.replaceAll(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)));
const fullWidth = (value: string): string =>
  value.replaceAll(/[!-~]/g, (character) => String.fromCodePoint(character.charCodeAt(0) + 0xfee0));

const DISGUISES: Record<string, (value: string) => string> = {
  plain: (value) => value,
  "full width": fullWidth,
  "zero width space inside": between("\u200b"),
  "word joiner inside": between("\u2060"),
  "soft hyphen inside": between("\u00ad"),
  "variation selector inside": between("\ufe0f"),
  "combining mark inside": between("\u0301"),
  "no-break space and no-break hyphen": (value) => value.replaceAll(" ", "\u00a0").replaceAll("-", "\u2011"),
  "narrow space and minus sign": (value) => value.replaceAll(" ", "\u202f").replaceAll("-", "\u2212"),
  "Arabic digits": digitsFrom(0x0660),
  "Devanagari digits": digitsFrom(0x0966),
  "mathematical digits": digitsFrom(0x1d7ce),
  "one JSON escape": (value) => value.replace(/[@\d]/, (character) => `\\u00${character.charCodeAt(0).toString(16)}`),
  "all JSON escapes": (value) =>
    value.replaceAll(/[^]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`),
  "twice encoded JSON": (value) =>
    value.replaceAll(/[@\d]/g, (character) => `\\\\u00${character.charCodeAt(0).toString(16)}`),
  "URL encoding": (value) => encodeURIComponent(value),
  "HTML entities": (value) => value.replaceAll(/[@\d]/g, (character) => `&#${character.charCodeAt(0)};`),
};

describe.each(Object.entries(VALUES))("%s survives no disguise", (type, values) => {
  it.each(Object.entries(DISGUISES))("%s", async (_, disguise) => {
    const stored = await Promise.all(values.map(async (value) => shape(`so ${disguise(value)} it is`)));
    expect(stored).toEqual(values.map(() => `so [${type}] it is`));
  });

  it("glued with underscores", async () => {
    const stored = await Promise.all(values.map(async (value) => redacted(`x_${value}_y`)));
    expect(stored.filter((text, index) => text.includes(values[index] ?? ""))).toEqual([]);
    expect(stored.every((text) => /\[[A-Z]+_[0-9a-f]{8}\]/.test(text))).toBe(true);
  });

  it.each([
    ["a line break", "\n"],
    ["a line break with indentation", "\r\n    "],
  ])("wrapped in its middle by %s", async (_, mark) => {
    const stored = await Promise.all(values.map(async (value) => shape(`so ${inMiddle(mark)(value)} it is`)));
    const caught = stored.filter((text) => text.includes(`[${type}]`));
    expect(caught.length / values.length).toBeGreaterThanOrEqual(0.95);
  });
});
