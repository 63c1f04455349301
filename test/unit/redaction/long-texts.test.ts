import { describe, expect, it } from "vitest";

import { createRedactor } from "../../../src/redaction/create-redactor.ts";

/** Further than any step of work reaches. */
const LONGEST_FRONT = 3_000;

const redactor = createRedactor({
  maxCharacters: 100_000,
  entities: ["EMAIL", "PHONE", "SSN", "CARD", "IBAN", "IP", "SECRET"],
});

async function redacted(content: string): Promise<unknown> {
  const [redaction] = await redactor.redact([{ role: "user", content }], (type) => `[${type}_00000000]`);
  return redaction?.message.content;
}

describe("a value far into a text", () => {
  it.each([
    { type: "EMAIL", before: "write to ", value: "ada.lovelace@example.org" },
    { type: "PHONE", before: "my phone number is ", value: "+49 30 9123 4567" },
    { type: "SSN", before: "her SSN is ", value: "123-45-6789" },
    { type: "CARD", before: "charge my card ", value: "4111 1111 1111 1111" },
    { type: "IBAN", before: "send it to IBAN ", value: "DE89 3704 0044 0532 0130 00" },
    { type: "IP", before: "the server is ", value: "81.200.100.12" },
    { type: "SECRET", before: "use the key ", value: "ghp_abcdefghijklmnopqrstuvwxyzABCDEF0123" },
  ])("$type is found whole, wherever a step of work ends", async ({ type, before, value }) => {
    const missed: number[] = [];
    for (let length = 0; length < LONGEST_FRONT; length += 1) {
      const front = "a ".repeat(LONGEST_FRONT).slice(0, length);
      const text = `${front} ${before}${value} today`;
      if ((await redacted(text)) !== `${front} ${before}[${type}_00000000] today`) missed.push(length);
    }
    expect(missed).toEqual([]);
  });
});
