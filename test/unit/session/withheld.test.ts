import { describe, expect, it } from "vitest";

import { decodeWithheld, encodeWithheld } from "../../../src/session/slots.ts";
import { addWithheld, nothingWithheld } from "../../../src/session/withheld.ts";

const numbered = (from: number, count: number, value = "value"): Map<string, string> =>
  new Map(Array.from({ length: count }, (_, index) => [`[EMAIL_${from + index}]`, `${value} ${from + index}`]));

describe("a session's withheld values", () => {
  it("are the same map while nothing new comes, so that nothing is sealed anew", () => {
    const held = numbered(0, 3);
    expect(addWithheld(held, numbered(1, 2, "other spelling"))).toBe(held);
    expect(addWithheld(nothingWithheld, nothingWithheld)).toBe(nothingWithheld);
  });

  it("keep the spelling that came first", () => {
    const all = addWithheld(numbered(0, 1), numbered(0, 2, "later"));
    expect([...all.values()]).toEqual(["value 0", "later 1"]);
  });

  it("are 5,000 at most: the oldest leave first", () => {
    const held = addWithheld(nothingWithheld, numbered(0, 5_000));
    expect(held.size).toBe(5_000);
    const all = addWithheld(held, numbered(5_000, 3));
    expect(all.size).toBe(5_000);
    expect([...all.keys()].slice(0, 1)).toEqual(["[EMAIL_3]"]);
    expect([...all.keys()].at(-1)).toBe("[EMAIL_5002]");
  });

  it("are a million characters at most", () => {
    const long = new Map([1, 2, 3].map((number) => [`[SECRET_${number}]`, "x".repeat(400_000)]));
    expect([...addWithheld(nothingWithheld, long).keys()]).toEqual(["[SECRET_2]", "[SECRET_3]"]);
  });

  it("come back from their slot in their order", () => {
    const held = new Map([
      ["[SECRET_1]", '"\n😀'],
      ["ask_SSN_00c0ffee", "ask_123-45-6789"],
    ]);
    expect([...decodeWithheld(encodeWithheld(held))]).toEqual([...held]);
    expect(decodeWithheld(undefined).size).toBe(0);
  });
});
