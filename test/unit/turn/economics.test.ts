import { describe, expect, it } from "vitest";

import { cappedKnobs } from "../../../src/turn/economics.ts";
import { knobs } from "../history/history-session.ts";

const price = { input: 1, cachedInput: 1, cacheWrite: 1, output: 1, contextWindow: 100_000 };
const capOf = (fields: object, maxTokens = 0): number =>
  cappedKnobs({ ...knobs, maxTokens }, { fields: { ...fields }, price }).maxTokens;

describe("the hard cap of a prompt", () => {
  it.each([
    ["a tenth where the request does not say", {}, 90_000],
    ["as much as it asks for", { max_completion_tokens: 20_000 }, 80_000],
    ["the same in the older word", { max_tokens: 20_000 }, 80_000],
    ["no more than half, whatever the limit", { max_tokens: 99_999 }, 50_000],
    ["no more than half where the limit is beyond the window", { max_completion_tokens: 131_072 }, 50_000],
  ])("leaves the answer %s", (_, fields, cap) => expect(capOf(fields)).toBe(cap));

  it("is the configured one where there is one", () => expect(capOf({ max_tokens: 99_999 }, 4_000)).toBe(4_000));
});
