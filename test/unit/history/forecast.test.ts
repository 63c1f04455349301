import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { carryingCost, pays, turnsUntilPays } from "../../../src/history/ledger.ts";

const economics = { cachedRatio: 0.1, writeRatio: 1, outputRatio: 8, cacheTtlMs: 300_000 };
const offer = { evictedTokens: 0, keptTokens: 3000, summaryTokens: 500, makingCost: 0 };

describe("the forecast of the next cut", () => {
  it("names the turn at which the ledger's own rule fires, when turns go on alike", () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 2000 }), fc.integer({ min: 0, max: 5000 }), (turnTokens, keptTokens) => {
        const forecast = turnsUntilPays({ ...offer, keptTokens }, { ledger: 0, cold: false, economics }, turnTokens);
        let ledger = 0;
        let fired: number | undefined;
        for (let turn = 1; turn <= 60 && fired === undefined; turn += 1) {
          const evictedTokens = turn * turnTokens;
          const carrying = { ledger, cold: false, economics };
          if (pays({ ...offer, keptTokens, evictedTokens }, carrying)) fired = turn;
          ledger += carryingCost(evictedTokens, carrying);
        }
        expect(forecast).toBe(fired);
      }),
    );
  });

  it("says nothing of what is out of sight", () => {
    expect(turnsUntilPays(offer, { ledger: 0, cold: false, economics }, 0)).toBeUndefined();
  });
});
