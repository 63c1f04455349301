import { describe, expect, it } from "vitest";

import type { Conversation } from "../../../bench/recall/conversations.ts";
import { prepare } from "../../../bench/recall/prepare.ts";
import { scoreGate } from "../../../bench/recall/score-gate.ts";
import { budgets, scoreMethods } from "../../../bench/recall/score-methods.ts";
import { scoreStrategies } from "../../../bench/recall/score-strategies.ts";
import type { Scores } from "../../../bench/recall/tally.ts";
import { openTermReader } from "../../../src/history/recall/term-reader.ts";
import type { ChatMessage } from "../../../src/protocol/chat-message.ts";

const parts = { reader: await openTermReader(), countText: (text: string) => Math.ceil(text.length / 4) };

/** Two hundred remarks in ten sittings; what is asked for was said in the first one. */
const conversation: Conversation = {
  id: "made-up",
  speakers: ["Anna", "Ben"],
  sessions: Array.from({ length: 10 }, (_, day) => ({
    date: `day ${day}`,
    turns: Array.from({ length: 20 }, (__, at) => ({
      id: `${day}:${at}`,
      by: at % 2,
      text: day + at === 0 ? "My sister keeps bees in Lisbon." : `Rain fell on roof ${day} and on chimney ${at}.`,
    })),
  })),
  questions: [
    { question: "What does Anna's sister keep in Lisbon?", category: 4, evidence: ["0:0"] },
    { question: "Nobody knows?", category: 2, evidence: ["no such remark"] },
  ],
};
const prepared = [await prepare(parts.reader, conversation, true)];

describe("the scores of bench:recall", () => {
  it("count what stands in the text, by method and category, of questions whose evidence exists", async () => {
    const scores = await scoreMethods(parts, prepared);
    expect(scores.get("stategate | all")).toEqual({ questions: 1, means: [1, 1, 1, 1] });
    expect(scores.get("stategate | single-hop")?.questions).toBe(1);
    expect(scores.get("plain BM25 | all")?.means).toEqual([1, 1, 1, 1]);
    expect(scores.get("last remarks | all")?.means).toEqual([0, 0, 0, 1]);
    expect(scores.has("stategate | temporal")).toBe(false);
  });

  it("count what each strategy sends of the past, and what of the evidence stands in it", async () => {
    const countMessage = (said: ChatMessage) => 3 + parts.countText(String(said.content));
    const countInSlices = (said: string | ChatMessage) =>
      typeof said === "string" ? parts.countText(said) : countMessage(said);
    const counter = { ...parts, vocabulary: "quarters", countMessage, countInSlices };
    const { found, tokens } = await scoreStrategies([conversation], { counter, showNames: true });
    const means = (scores: Scores, name: string) => scores.get(`${name} | all`)?.means;
    expect(means(found, "full")).toEqual([1, 1, 1, 1]);
    expect(means(found, "window")).toEqual([0, 0, 0, 1]);
    expect(means(found, "semantic")).toEqual([1, 1, 1, 1]);
    expect(means(found, "hybrid")).toEqual([1, 1, 1, 1]);
    expect(found.get("summary | single-hop")?.questions).toBe(1);
    for (const [at, budget] of budgets.slice(0, 3).entries()) {
      const sent = means(tokens, "window")?.[at] ?? 0;
      expect(sent).toBeGreaterThanOrEqual(budget);
      expect(sent).toBeLessThan(budget + 60);
    }
  });

  it("tell how often the gate opens: for the question, and for nothing said in passing", async () => {
    const { questions, smallTalk } = await scoreGate(parts, prepared);
    expect(questions).toEqual({ all: 1, opened: 1 });
    expect(smallTalk).toEqual({ all: 49, opened: 0 });
  });
});
