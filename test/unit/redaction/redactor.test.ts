import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { GatewayError } from "../../../src/errors/gateway-error.ts";
import { createRedactor } from "../../../src/redaction/create-redactor.ts";
import type { Detector } from "../../../src/redaction/detectors/detector.ts";
import { findFindings } from "../../../src/redaction/find-findings.ts";
import { builtInPlaceholders } from "../../../src/redaction/placeholder.ts";
import { redactText } from "../../../src/redaction/redact-text.ts";
import { messyText, PLANTED } from "./messy-text.ts";
import { ALL_ENTITIES, name, redacted, redactMessage, redactor as probe, shape } from "./redaction-probe.ts";

describe("a redactor", () => {
  it("gives the same message back when it finds nothing", async () => {
    const message = { role: "user", content: [{ type: "text", text: "plain" }], extra: { deep: ["text", 12] } };
    const redaction = await redactMessage(message);
    expect(redaction.message).toBe(message);
    expect(redaction.counts).toEqual({});
  });

  it("answers at once where nothing has to wait", () => {
    expect(probe.redact([{ role: "user", content: "plain" }], name)).toMatchObject([{ counts: {} }]);
    expect(probe.redactValues(["plain"], name)).toMatchObject([{ counts: {} }]);
  });

  it("counts what it found by type and leaves the original alone", async () => {
    const message = { role: "user", content: "a@b.io, c@d.io and 123-45-6789" };
    const { counts } = await redactMessage(message);
    expect(counts).toEqual({ EMAIL: 2, SSN: 1 });
    expect(message.content).toBe("a@b.io, c@d.io and 123-45-6789");
  });

  it("looks for the entities it was asked for only", async () => {
    const redactor = createRedactor({ entities: ["SSN"], maxCharacters: 1000 });
    const [redaction] = await redactor.redact([{ role: "user", content: "a@b.io 123-45-6789" }], name);
    expect(redaction?.message.content).toMatch(/^a@b\.io \[SSN_/);
  });

  it("answers every message in order", async () => {
    const redactor = createRedactor({ entities: ALL_ENTITIES, maxCharacters: 1000 });
    const contents = ["plain", "a@b.io", "plain too"];
    const redactions = await redactor.redact(
      contents.map((content) => ({ role: "user", content })),
      name,
    );
    expect(redactions.map((redaction) => Object.keys(redaction.counts).length)).toEqual([0, 1, 0]);
  });

  it("of overlapping findings keeps the surest, and finds what an overlap hid", async () => {
    expect(await shape("4111111111111111 467-3395; my phone: 467-3395")).toBe("[CARD] 467-3395; my phone: [PHONE]");
    expect(await shape("postgres://app:pass1word@jane.example.com/x")).toBe(
      "postgres://app:[SECRET]@jane.example.com/x",
    );
    expect(await shape("4111111111111111@example.com")).toBe("[EMAIL]");
  });
});

describe("placeholders", () => {
  it("a redacted text is not changed again", async () => {
    await fc.assert(
      fc.asyncProperty(messyText, async (text) => {
        const once = await redacted(text);
        expect(await redacted(once)).toBe(once);
      }),
      { numRuns: 3000 },
    );
  });

  it("is never taken for a value, not even one of digits alone", async () => {
    const text = "call [PHONE_46733951] or [EMAIL_12345678]@example.com";
    expect(await redacted(text)).toBe(text);
  });

  it("takes the place of whole characters", async () => {
    expect(await shape("555-123-456½!")).toBe("[PHONE]!");
    expect(await shape("👩‍👩‍👧‍👦 jane@example.com👩‍👩‍👧‍👦")).toBe("👩‍👩‍👧‍👦 [EMAIL]👩‍👩‍👧‍👦");
    expect(await shape("e\u0301 4111111111111111 e\u0301")).toBe("e\u0301 [CARD] e\u0301");
  });

  it("no planted value is left, and all the rest is", async () => {
    const quiet = fc.constantFrom("the", "garden", "👩‍👩‍👧‍👦", "e\u0301té", "花园", "(quiet)", "“so”", "—", "\ud83d");
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(quiet, fc.constantFrom(...PLANTED)), { minLength: 1, maxLength: 6 }),
        async (pairs) => {
          const text = pairs.map(([word, value]) => `${word}, ${value}; `).join("");
          const expected = pairs.map(([word]) => `${word}, []; `).join("");
          expect((await shape(text)).replaceAll(/\[[A-Z]+\]/g, "[]")).toBe(expected);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("JSON stays JSON, whatever it holds", async () => {
    await fc.assert(
      fc.asyncProperty(fc.json({ stringUnit: messyText }), fc.constantFrom(0, 2), async (json, indent) => {
        const text = JSON.stringify({ value: JSON.parse(json) as unknown }, null, indent);
        expect(() => JSON.parse(text) as unknown).not.toThrow();
        expect(() => JSON.parse(String(text)) as unknown).not.toThrow();
        const stored = await redacted(text);
        expect(() => JSON.parse(stored) as unknown).not.toThrow();
      }),
      { numRuns: 1500 },
    );
  });
});

describe("it fails closed", () => {
  const failing = (where: "canOccur" | "scan"): Detector => {
    const fail = (): never => {
      throw new RangeError("saw jane@example.com");
    };
    return { type: "EMAIL", canOccur: where === "canOccur" ? fail : () => true, scan: fail };
  };

  it.each(["canOccur", "scan"] as const)("when a detector throws in %s, without quoting it", async (where) => {
    const redactor = createRedactor({ entities: ALL_ENTITIES, maxCharacters: 1000, detectors: [failing(where)] });
    const work = Promise.resolve(redactor.redact([{ role: "user", content: "x" }], name));
    const failure = await work.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(GatewayError);
    expect(failure).toMatchObject({ code: "redaction_failed" });
    expect((failure as GatewayError).cause).toBeUndefined();
    expect(String(failure)).not.toContain("jane");
  });

  it("when the namer throws", async () => {
    const redactor = createRedactor({ entities: ALL_ENTITIES, maxCharacters: 1000 });
    const work = redactor.redact([{ role: "user", content: "a@b.io" }], () => {
      throw new TypeError("no key");
    });
    await expect(work).rejects.toMatchObject({ code: "redaction_failed" });
  });

  it("over the bound of all messages together, which images do not use up", async () => {
    const redactor = createRedactor({ entities: ALL_ENTITIES, maxCharacters: 100 });
    const message = { role: "user", content: "x".repeat(60) };
    const image = {
      role: "user",
      content: [{ type: "image_url", image_url: { url: `data:image/png;base64,${"A".repeat(900)}` } }],
    };
    expect(await redactor.redact([message, image], name)).toHaveLength(2);
    await expect(redactor.redact([message, message], name)).rejects.toMatchObject({ code: "redaction_failed" });
  });

  it("on nesting that no walker survives", async () => {
    const deep = JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`) as unknown;
    await expect(redactMessage({ role: "user", content: "x", deep })).rejects.toMatchObject({
      code: "redaction_failed",
    });
  });
});

describe("the event loop", () => {
  it("gets its turns during long work, and is not troubled by short work", async () => {
    const line = "call 555 0132 or +1 415-555-0132 or jane@example.com. ";
    expect(await turnsDuring("a short message to jane@example.com")).toBe(0);
    expect(await turnsDuring(line.repeat(20_000))).toBeGreaterThan(5);
  });

  it("gets its turns among many short texts", async () => {
    expect(
      await turnsDuring("nothing", { lines: Array.from({ length: 20_000 }, () => "a:b ".repeat(100)) }),
    ).toBeGreaterThan(5);
  });

  it("gets its turns among many messages that say nothing", () => {
    const empty = Array.from({ length: 20_000 }, () => ({ role: "user", content: "" }));
    expect(probe.redact(empty, name)).toBeInstanceOf(Promise);
  });
});

/** Finds all there is to find in its first step. */
const commas: Detector = {
  type: "COMMA",
  canOccur: () => true,
  scan(text, { report }) {
    for (let at = text.indexOf(","); at >= 0; at = text.indexOf(",", at + 1)) report(at, at + 1);
    return text.length;
  },
};

describe("a hundred thousand findings", () => {
  const rules = { detectors: [commas], placeholders: builtInPlaceholders, isAllowed: () => false };
  const text = ",a".repeat(100_000);
  function stepsOf(work: Generator<undefined, unknown>): number {
    let steps = 0;
    while (work.next().done !== true) steps += 1;
    return steps;
  }

  it("are sorted out in steps", () => {
    expect(stepsOf(findFindings(text, rules))).toBeGreaterThan(40);
  });

  it("are replaced in steps, in their order", () => {
    const few = redactText(",a".repeat(100), { rules, name: () => "[COMMA]" });
    let step = few.next();
    while (step.done !== true) step = few.next();
    expect(step.value.text).toBe("[COMMA]a".repeat(100));
    expect(stepsOf(redactText(text, { rules, name: () => "[COMMA]" }))).toBeGreaterThan(1_500);
  });
});

async function turnsDuring(content: string, fields: object = {}): Promise<number> {
  let turns = 0;
  let isRunning = true;
  const count = (): void => {
    turns++;
    if (isRunning) setImmediate(count);
  };
  setImmediate(count);
  await probe.redact([{ role: "user", content, ...fields }], name);
  isRunning = false;
  return turns;
}
