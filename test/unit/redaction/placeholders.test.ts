import { describe, expect, it } from "vitest";

import { countPlaceholders } from "../../../src/redaction/count-placeholders.ts";
import { placeholderNamer } from "../../../src/redaction/placeholder-namer.ts";
import { keyedHash, name, redacted } from "./redaction-probe.ts";

describe("a placeholder", () => {
  it("is type and eight hexadecimal digits", () => {
    expect(name("EMAIL", "jane@example.com")).toMatch(/^\[EMAIL_[0-9a-f]{8}\]$/);
  });

  it.each([
    ["EMAIL", "Jane@Example.com", "ｊａｎｅ@example.com"],
    ["PHONE", "+1 (415) 555-0132", "+14155550132"],
    ["PHONE", "+46 (0)8 928 571 38", "+46892857138"],
    ["CARD", "4111 1111 1111 1111", "4111\u200b111111111111"],
    ["SSN", "123-45-6789", "123 45 6789"],
    ["IBAN", "GB82 WEST 1234 5698 7654 32", "gb82west12345698765432"],
  ] as const)("of one %s is the same however it is written", (type, one, other) => {
    expect(name(type, one)).toBe(name(type, other));
  });

  it("differs by value, type and session", () => {
    const elsewhere = placeholderNamer(keyedHash, "session-2");
    expect(name("SECRET", "AbC")).not.toBe(name("SECRET", "abc"));
    expect(name("SSN", "123456789").slice(-9)).not.toBe(name("PHONE", "123456789").slice(-9));
    expect(name("EMAIL", "a@b.io")).not.toBe(elsewhere("EMAIL", "a@b.io"));
  });

  it("is the same for the same person on every turn", async () => {
    const first = await redacted("I am jane@example.com");
    const second = await redacted("write to JANE@example.com!");
    expect(/\[.*\]/.exec(second)?.[0]).toBe(/\[.*\]/.exec(first)?.[0]);
  });
});

describe("counting placeholders", () => {
  it.each([
    ["", 0],
    ["[EMAIL_3fa91c02] and [SSN_00000000][SSN_00000000]", 3],
    ["[EMAIL_3fa91c0], [EMAIL_3FA91C02], [NAME_3fa91c02], EMAIL_3fa91c02, [EMAIL_3fa91c02", 0],
  ])("%j holds %i", (text, count) => {
    expect(countPlaceholders(text)).toBe(count);
  });
});
