import { describe, expect, it } from "vitest";

import { createRedactor, type RedactorOptions } from "../../../src/redaction/create-redactor.ts";
import { ALL_ENTITIES, name } from "./redaction-probe.ts";

type Settings = Pick<RedactorOptions, "allow" | "patterns"> & Partial<RedactorOptions>;

async function redactedBy(settings: Settings, content: string): Promise<string> {
  const redactor = createRedactor({ entities: ALL_ENTITIES, maxCharacters: 10_000_000, ...settings });
  const [redaction] = await redactor.redact([{ role: "user", content }], name);
  return String(redaction?.message.content).replaceAll(/_[0-9a-f]{8}(?=\])/g, "");
}

const EMPLOYEE = { name: "EMPLOYEE_ID", pattern: "\\bE[0-9]{6}\\b" };

describe("configured patterns", () => {
  it("name their placeholders, the same for the same value", async () => {
    const redactor = createRedactor({ entities: [], maxCharacters: 1000, patterns: [EMPLOYEE] });
    const [redaction] = await redactor.redact([{ role: "user", content: "E123456, XE123456, Ｅ123456" }], name);
    const text = String(redaction?.message.content);
    expect(text).toMatch(/^\[EMPLOYEE_ID_[0-9a-f]{8}\], XE123456, \[EMPLOYEE_ID_[0-9a-f]{8}\]$/);
    expect(new Set(text.match(/\[.*?\]/g)).size).toBe(1);
    expect(redaction?.counts).toEqual({ EMPLOYEE_ID: 2 });
    expect(redactor.countPlaceholders(text)).toBe(2);
    expect((await redactor.redact([{ role: "user", content: text }], name))[0]?.counts).toEqual({});
  });

  it("reach into tool arguments and tool names, which stay legal", async () => {
    const redactor = createRedactor({ entities: [], maxCharacters: 1000, patterns: [EMPLOYEE] });
    const call = { id: "c", type: "function", function: { name: "ask-E123456", arguments: '{"who":"E123456"}' } };
    const [redaction] = await redactor.redact([{ role: "assistant", content: null, tool_calls: [call] }], name);
    const stored = redaction?.message.tool_calls?.[0]?.function;
    expect(stored?.name).toMatch(/^ask-EMPLOYEE_ID_[0-9a-f]{8}$/);
    expect(JSON.parse(stored?.arguments ?? "")).toEqual({
      who: expect.stringMatching(/^\[EMPLOYEE_ID_[0-9a-f]{8}\]$/) as string,
    });
  });

  it("give way to what is built in", async () => {
    const wide = { name: "ANY_AT", pattern: "[a-z]+@[a-z.]+ and more" };
    expect(await redactedBy({ patterns: [wide] }, "jane@example.com and more")).toBe("[EMAIL] and more");
  });

  it("find a value wherever in a long text it lies, and one of 1,024 characters whole", async () => {
    const long = { name: "LONG", pattern: "<[a-z]+>" };
    const value = `<${"x".repeat(1022)}>`;
    for (let offset = 0; offset < 4_000; offset += 487) {
      const text = `${"- ".repeat(offset)}${value}${" -".repeat(2_000)}`;
      expect(await redactedBy({ patterns: [long] }, text)).toBe(text.replace(value, "[LONG]"));
    }
  });

  it("see words and the ends of the text as they are, not as a search is cut", async () => {
    const ends = { name: "ENDS", pattern: "^begin|end$|\\bword\\b" };
    const filler = "beginend swords ".repeat(500);
    const text = `begin ${filler}word${filler} end`;
    expect(await redactedBy({ patterns: [ends] }, text)).toBe(`[ENDS] ${filler}word${filler} [ENDS]`);
  });

  it.each([
    ["look-ahead", { name: "X1", pattern: "a(?=b)" }, "redaction.patterns.0.pattern"],
    ["a back-reference", { name: "X1", pattern: "(a)\\1" }, "redaction.patterns.0.pattern"],
    ["an open bracket", { name: "X1", pattern: "(" }, "redaction.patterns.0.pattern"],
    [
      "one that matches nothing at all",
      { name: "X1", pattern: "a*" },
      "redaction.patterns.0.pattern: matches the empty",
    ],
    ["a built-in name", { name: "EMAIL", pattern: "a" }, "redaction.patterns.0.name: EMAIL is built in"],
  ])("are refused with %s", (_, pattern, message) => {
    expect(() => createRedactor({ entities: [], maxCharacters: 1, patterns: [pattern] })).toThrow(message);
  });

  it("that are wrong are all listed", () => {
    const patterns = [EMPLOYEE, { name: "X1", pattern: "(" }, { name: "IP", pattern: "[" }];
    expect(() => createRedactor({ entities: [], maxCharacters: 1, patterns })).toThrow(
      /patterns\.1\.pattern[^]*patterns\.2\.name[^]*patterns\.2\.pattern/,
    );
  });
});

describe("allowed values", () => {
  it.each([
    ["support@acme.com", "mail SUPPORT@Acme.com or jane@acme.com", "mail SUPPORT@Acme.com or [EMAIL]"],
    ["support@acme.com", "ｓupport\u200b@acme.com", "ｓupport\u200b@acme.com"],
    ["+1 415 555 0132", "call +1 (415) 555-0132 or +1 415 555 0133", "call +1 (415) 555-0132 or [PHONE]"],
    ["4111 1111 1111 1111", "4111-1111-1111-1111 is for tests, 5555555555554444 is not", undefined],
    ["DE89 3704 0044 0532 0130 00", "to de89370400440532013000", "to de89370400440532013000"],
    ["8.8.8.8", "dns 8.8.8.8 and 8.8.4.4", "dns 8.8.8.8 and [IP]"],
    ["e000001", "E000001 and E000002", "E000001 and [EMPLOYEE_ID]"],
  ])("%s stays: %s", async (allowed, text, expected) => {
    const outcome = await redactedBy({ allow: [allowed], patterns: [EMPLOYEE] }, text);
    expect(outcome).toBe(expected ?? "4111-1111-1111-1111 is for tests, [CARD] is not");
  });

  it("keep what others find inside them, and not what reaches beyond them", async () => {
    const word = { name: "WORD", pattern: "acme" };
    const settings = { allow: ["support@acme.com"], patterns: [word] };
    expect(await redactedBy(settings, "acme: support@acme.com")).toBe("[WORD]: support@acme.com");
    expect(await redactedBy({ allow: ["acme.com"], patterns: [word] }, "jane@acme.com")).toBe("[EMAIL]");
  });

  it("with words in them allow no number", async () => {
    expect(await redactedBy({ allow: ["acme room 467 3395"] }, "phone 467 3395")).toBe("phone [PHONE]");
  });
});
