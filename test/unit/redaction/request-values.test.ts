import { describe, expect, it } from "vitest";

import type { EntityType } from "../../../src/redaction/redactor.ts";
import { name, redactor } from "./redaction-probe.ts";

const EMAIL = "jane.doe@example.com";
const PII: Readonly<Record<string, string>> = {
  EMAIL,
  PHONE: "+1 415-555-0132",
  SSN: "123-45-6789",
  CARD: "4111111111111111",
  IBAN: "DE89370400440532013000",
  IP: "86.121.97.248",
  SECRET: `ghp_${"a1B2".repeat(9)}`,
};
const tool = (fields: object): object => [{ type: "function", function: { name: "find", ...fields } }];
const schema = (field: object): object => tool({ parameters: { type: "object", properties: { to: field } } });

/** Where a request that is no message may hold text. */
const PLACES: Readonly<Record<string, (value: string) => unknown>> = {
  "a string": (value) => value,
  "the user": (value) => ({ user: value }),
  "the safety identifier": (value) => ({ safety_identifier: value }),
  "the key of a prompt's cache": (value) => ({ prompt_cache_key: value }),
  metadata: (value) => ({ metadata: { customer: value } }),
  "a key": (value) => ({ [value]: 1 }),
  "a tool's description": (value) => tool({ description: `asks ${value}` }),
  "a tool's name": (value) => tool({ name: value }),
  "a parameter's name": (value) => tool({ parameters: { properties: { [value]: { type: "string" } } } }),
  "a required parameter": (value) => tool({ parameters: { required: [value] } }),
  "an enum of a schema": (value) => schema({ enum: [value] }),
  "a default of a schema": (value) => schema({ default: value }),
  "an example of a schema": (value) => schema({ examples: [{ deep: value }] }),
  "a constant of a schema": (value) => schema({ const: value }),
  "a description in a schema": (value) => schema({ anyOf: [{ description: value }] }),
  "the format of a custom tool": (value) => [{ type: "custom", custom: { name: "c", format: { definition: value } } }],
  "the schema of an answer": (value) => ({ type: "json_schema", json_schema: { name: "x", description: value } }),
  "a prediction": (value) => ({ type: "content", content: [{ type: "text", text: value }] }),
  "the place of a web search": (value) => ({ user_location: { approximate: { city: value } } }),
  "a stop sequence": (value) => ({ stop: [value] }),
};

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

  it.each(
    Object.entries(PLACES).flatMap(([place, build]) => Object.keys(PII).map((type) => [place, type, build] as const)),
  )("hold in %s no %s", async (_, type, build) => {
    const value = PII[type] ?? "";
    const given = build(value);
    expect(JSON.stringify(given)).toContain(value);
    const stored = JSON.stringify(await redactedValue(given));
    expect(stored).not.toContain(value);
    expect(stored).toMatch(new RegExp(`${type}_[0-9a-f]{8}`));
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
