import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { createTextRestorer, restoreText, type TextForm } from "../../../src/redaction/restore-text.ts";
import { inCiOrProving } from "../../support/prove.ts";

const values = new Map([
  ["[EMAIL_3fa91c02]", "jane.doe@example.com"],
  ["[PHONE_00000001]", "+49 30 901820"],
  ["[SECRET_deadbeef]", '-----BEGIN KEY-----\n"quoted" \\ back\n-----END KEY-----'],
  ["[EMPLOYEE_ID_OF_A_COMPANY_0123abcd]", "E123456"],
  ["[IP_ffffffff]", "[2001:db8::1]"],
]);
const placeholders = [...values.keys()];

const pushAll = (pieces: readonly string[], form: TextForm): string[] => {
  const restorer = createTextRestorer(values, form);
  return [...pieces.map((piece) => restorer.push(piece)), restorer.end()];
};

/** What stands around placeholders: brackets, near misses, and characters of several units. */
const surroundings = fc.oneof(
  fc.constantFrom(
    "[",
    "]",
    "[[",
    "[E",
    "[EMAIL_",
    "[EMAIL_3fa9",
    "EMAIL_3fa91c02",
    '"',
    "\\",
    "{",
    "😀",
    "é",
    "東",
    " ",
  ),
  fc.constantFrom("[EMAIL_3fa91c03]", "[EMAIL_3FA91C02]", "[email_3fa91c02]", "[EMAIL_3fa91c02", "[FOREIGN_3fa91c02]"),
  fc.string({ unit: "grapheme", maxLength: 5 }),
);
const text = fc
  .array(fc.oneof({ weight: 2, arbitrary: surroundings }, { weight: 1, arbitrary: fc.constantFrom(...placeholders) }), {
    maxLength: 20,
  })
  .map((pieces) => pieces.join(""));
const cuts = fc.array(fc.nat(), { maxLength: 12 });

function split(whole: string, places: readonly number[]): string[] {
  const at = [...new Set(places.map((place) => (whole.length === 0 ? 0 : place % whole.length)))].toSorted(
    (a, b) => a - b,
  );
  return [...at, whole.length].map((end, index) => whole.slice(index === 0 ? 0 : at[index - 1], end));
}

/** As it would be done with the whole text at hand. */
const plainly = (whole: string): string =>
  whole.replaceAll(/\[[A-Z][A-Z0-9_]{1,23}_[0-9a-f]{8}\]/g, (placeholder) => values.get(placeholder) ?? placeholder);

describe("a text that comes in pieces", () => {
  it("reads as if it had come whole, wherever it is parted", () => {
    const numRuns = inCiOrProving(1_000, 10_000);
    const forms = fc.constantFrom<TextForm>("plain", "json", "either");
    fc.assert(
      fc.property(text, cuts, forms, (whole, places, form) => {
        const restored = restoreText(whole, values, form);
        expect(pushAll(split(whole, places), form).join("")).toBe(restored);
        expect(pushAll([...whole], form).join("")).toBe(restored);
        if (form === "plain") expect(restored).toBe(plainly(whole));
      }),
      { numRuns },
    );
    process.stdout.write(`restoring text: ${numRuns} random splits, 0 differ from the unsplit text\n`);
  });

  it("holds back an end that may be the beginning of a placeholder, and nothing else", () => {
    const restorer = createTextRestorer(values, "plain");
    expect(restorer.push("write to [EMAIL_3fa9")).toBe("write to ");
    expect(restorer.push("1c02")).toBe("");
    expect(restorer.push("] or [")).toBe("jane.doe@example.com or ");
    expect(restorer.push("1] or [Email")).toBe("[1] or [Email");
    expect(restorer.push(" [X")).toBe(" ");
    expect(restorer.push("y")).toBe("[Xy");
    expect(restorer.push(`[${"A".repeat(24)}`)).toBe("");
    expect(restorer.push("A")).toBe(`[${"A".repeat(25)}`);
    expect(restorer.push("[SSN_0")).toBe("");
    expect(restorer.end()).toBe("[SSN_0");
    expect(restorer.end()).toBe("");
  });

  it("gives no value for a placeholder of another session, or an invented one", () => {
    const foreign = Array.from({ length: 1_000 }, (_, index) => {
      const name = ["EMAIL", "PHONE", "SECRET", "IP", "OTHER"][index % 5] ?? "";
      return `[${name}_${(0xabc_0000 + index * 7919).toString(16).padStart(8, "0")}]`;
    });
    const restored = foreign.filter(
      (placeholder) => restoreText(`a ${placeholder} b`, values, "either") !== `a ${placeholder} b`,
    );
    process.stdout.write(`foreign placeholders: ${foreign.length} tried, ${restored.length} restored\n`);
    expect(restored).toEqual([]);
  });
});

describe("a value in JSON", () => {
  it("keeps the document valid, and says the same inside it", () => {
    const original = { to: "[EMAIL_3fa91c02]", key: 'a "b" \\ [SECRET_deadbeef] c', list: ["[IP_ffffffff]", "\\"] };
    for (const form of ["json", "either"] as const) {
      const restored: unknown = JSON.parse(restoreText(JSON.stringify(original, null, 1), values, form));
      expect(restored).toEqual({
        to: "jane.doe@example.com",
        key: `a "b" \\ ${values.get("[SECRET_deadbeef]")} c`,
        list: ["[2001:db8::1]", "\\"],
      });
    }
  });

  it.each([
    ["a document in an array", '["[SECRET_deadbeef]"]', true],
    ["an array of objects", '[ {"a": "[SECRET_deadbeef]"} ]', true],
    ["a sentence that begins with a placeholder", '[EMAIL_3fa91c02] wrote "[SECRET_deadbeef]"', false],
    ["a sentence that quotes", 'He wrote "[SECRET_deadbeef]"', false],
    ["a list of placeholders", "[[SECRET_deadbeef]]", false],
  ])("is escaped where the text is JSON: %s", (_, given, isEscaped) => {
    const secret = values.get("[SECRET_deadbeef]") ?? "";
    const restored = restoreText(given, values, "either");
    expect(restored.includes(JSON.stringify(secret).slice(1, -1))).toBe(isEscaped);
    expect(restored.includes(secret)).toBe(!isEscaped);
  });
});
