import { describe, expect, it } from "vitest";

import type { EntityType } from "../../../src/redaction/redactor.ts";
import { name, redactor } from "./redaction-probe.ts";

const EMAIL = "jane.doe@example.com";

async function redactedValue<Value>(value: Value): Promise<Value> {
  const [redaction] = await redactor.redactValues([value], name);
  if (redaction === undefined) throw new TypeError("one value in, one redaction out");
  return redaction.value;
}

describe("values of a request that are no messages", () => {
  it("come back as the same object when nothing is found", async () => {
    const tools = [{ type: "function", function: { name: "find", parameters: { type: "object", required: ["id"] } } }];
    expect(await redactedValue(tools)).toBe(tools);
  });

  it.each([
    ["a string", EMAIL],
    ["metadata", { customer: EMAIL }],
    ["a key", { [EMAIL]: 1 }],
    ["a tool's description", [{ type: "function", function: { name: "f", description: `asks ${EMAIL}` } }]],
    ["an enum in a schema", [{ function: { parameters: { properties: { to: { enum: [EMAIL] } } } } }]],
    ["a default in a schema", [{ function: { parameters: { properties: { to: { default: EMAIL } } } } }]],
    ["the format of a custom tool", [{ type: "custom", custom: { name: "c", format: { definition: EMAIL } } }]],
    ["a prediction", { type: "content", content: [{ type: "text", text: EMAIL }] }],
    ["the place of a web search", { user_location: { approximate: { city: EMAIL } } }],
  ])("hold no address in %s", async (_, value) => {
    const stored = JSON.stringify(await redactedValue(value));
    expect(stored).not.toContain(EMAIL);
    expect(stored).toMatch(/\[EMAIL_[0-9a-f]{8}\]/);
  });

  it("keep a tool's name legal, the same wherever it stands", async () => {
    const value = {
      tools: [{ type: "function", function: { name: "ask_123-45-6789" } }],
      tool_choice: { type: "function", function: { name: "ask_123-45-6789" } },
    };
    const { tools, tool_choice: choice } = await redactedValue(value);
    expect(choice.function.name).toMatch(/^ask_SSN_[0-9a-f]{8}$/);
    expect(tools[0]?.function.name).toBe(choice.function.name);
  });

  it("count towards the same bound", async () => {
    await expect(redactor.redactValues(["x".repeat(10_000_001)], name)).rejects.toMatchObject({
      code: "redaction_failed",
    });
  });
});

describe("what a namer learns", () => {
  const withheld = async (content: string): Promise<[string, EntityType, string][]> => {
    const seen: [string, EntityType, string][] = [];
    await redactor.redact([{ role: "user", content }], (type, value) => {
      const placeholder = name(type, value);
      seen.push([placeholder, type, value]);
      return placeholder;
    });
    return seen;
  };

  it("is each placeholder with its type and the value as it stood in plain text", async () => {
    const seen = await withheld(`write ${EMAIL} or ｊane.doe@example.com`);
    expect(seen.map(([, type, value]) => [type, value])).toEqual([
      ["EMAIL", EMAIL],
      ["EMAIL", "ｊane.doe@example.com"],
    ]);
    expect(seen[0]?.[0]).toBe(seen[1]?.[0]);
  });

  it("is the value without the escapes of the JSON text around it", async () => {
    const [email] = await withheld('{"to": "jane.doe\\u0040example.com"}');
    expect(email).toEqual([name("EMAIL", EMAIL), "EMAIL", EMAIL]);
    const [secret] = await withheld('{"url": "mysql:\\/\\/app:p4ss\\u0021word1@db\\/x"}');
    expect(secret?.slice(1)).toEqual(["SECRET", "p4ss!word1"]);
  });

  it("is the number that a placeholder stands for in JSON", async () => {
    expect(await withheld('{"card":4111111111111111}')).toEqual([
      [name("CARD", "4111111111111111"), "CARD", "4111111111111111"],
    ]);
  });
});
