import { describe, expect, it } from "vitest";

import { turnLine } from "../../../src/telemetry/turn-line.ts";

const report = {
  sessionId: "my-chat",
  turn: 7,
  mode: "replay",
  sentTokens: 412,
  baselineTokens: 3180,
  savedUsd: 0.0031,
  totalSavedUsd: 0.02,
  observed: false,
  overheadMs: 0.94,
  hint: undefined,
};

describe("the live line", () => {
  it("says what was sent, what was saved and what it took", () => {
    expect(turnLine(report)).toBe(
      "my-chat #7 replay: sent 412 of 3,180 tokens, saved $0.0031 (total $0.0200), +0.9 ms",
    );
  });

  it("says why nothing was saved yet", () => {
    const line = turnLine({
      ...report,
      sentTokens: 300,
      baselineTokens: 300,
      savedUsd: 0,
      hint: "compacts in ~4 turns",
    });
    expect(line).toContain("saved $0.0000 (total $0.0200), compacts in ~4 turns, +0.9 ms");
  });

  it("does not hide a loss", () => {
    expect(turnLine({ ...report, savedUsd: -0.0012 })).toContain("saved -$0.0012");
  });

  it("says what would have been saved where nothing is managed", () => {
    expect(turnLine({ ...report, observed: true })).toBe(
      "my-chat #7 replay: would have sent 412 of 3,180 tokens, would have saved $0.0031 (total $0.0200), +0.9 ms",
    );
  });

  it("reports tokens only for a model without a price", () => {
    expect(turnLine({ ...report, savedUsd: undefined, totalSavedUsd: undefined })).toContain("model without a price");
  });

  it("cuts a long session name", () => {
    expect(turnLine({ ...report, sessionId: "x".repeat(128) }).split(" ")[0]).toHaveLength(32);
  });
});
