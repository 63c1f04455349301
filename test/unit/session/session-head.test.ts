import { describe, expect, it } from "vitest";

import { decodeHead, emptyFront, encodeHead, noHabits, type SessionHead } from "../../../src/session/session-head.ts";

const headOf = (title: string, model = "gpt-4o-mini"): SessionHead => ({
  sessionId: "s-1",
  title,
  createdAt: 1_795_746_299_549,
  lastActiveAt: 1_795_746_299_549,
  lastAskedAt: undefined,
  strategy: "window",
  records: 1,
  recordChain: "c".repeat(43),
  frontRecordChain: "",
  turns: 1,
  messages: 2,
  tokens: 46,
  front: emptyFront,
  epoch: { number: 0, firstTurn: 0, ledger: 0, summaryFailed: false },
  habits: noHabits,
  systemHash: undefined,
  slotTags: {},
  billing: { model, baselineTokens: 200, frontTokens: 0, billedRatio: 1 },
  totals: { baselineTokens: 200, sentTokens: 200, overheadTokens: 0, savedUsd: -0.0001 },
});

const titles = [
  "",
  "plain",
  "café",
  "which of the two, and …",
  "冬のルート",
  '🚗 and "quotes" \\ \n',
  "\u00e2\u0080\u00a6",
];

describe("a session head", () => {
  it.each(titles)("is read as it was written, whatever its title: %j", (title) => {
    expect(decodeHead(encodeHead(headOf(title)))).toEqual(headOf(title));
  });

  it.each(titles)("is plain JSON in UTF-8, as every version reads it: %j", (title) => {
    const head = headOf(title);
    expect(encodeHead(head).toString("utf8")).toBe(JSON.stringify({ version: 1, head }));
  });

  it.each(["modèle", "模型", "\u00ff"])("may have words of any language beside its title: %j", (model) => {
    for (const title of titles) {
      expect(decodeHead(encodeHead(headOf(title, model)))).toEqual(headOf(title, model));
    }
  });

  it("spells half a character, where a title was cut, as a reader would see it", () => {
    expect(decodeHead(encodeHead(headOf("cut \ud83d…"))).title).toBe("cut \ufffd…");
  });
});
