import { describe, expect, it } from "vitest";

import { dateWorth, readDate } from "../../../../src/history/recall/read-date.ts";

describe("a date in a question", () => {
  it.each([
    ["What did we agree on 2026-05-03?", { year: 2026, month: 4, day: 3 }],
    ["What did she paint on October 13, 2023?", { year: 2023, month: 9, day: 13 }],
    ["Where was I on the 1st of May?", { year: undefined, month: 4, day: 1 }],
    ["Who called on 31 July, 2023?", { year: 2023, month: 6, day: 31 }],
    ["What did I plan for Sept. 4?", { year: undefined, month: 8, day: 4 }],
    ["What happened in March?", { year: undefined, month: 2, day: undefined }],
    ["What was decided, in June 2025?", { year: 2025, month: 5, day: undefined }],
  ])("is read from %j", (question, date) => {
    expect(readDate(question)).toEqual(date);
  });

  it.each([
    "May I ask what they march for?",
    "Who said that they may go?",
    "What of chapter 12 of the decorations?",
    "Which of the 40 marbles is blue?",
    "What did I buy in 2023?",
  ])("is not seen in %j", (question) => {
    expect(readDate(question)).toBeUndefined();
  });

  it("is worth most on its day, less in the week after and in its month, and nothing else", () => {
    const worth = (question: string, ...on: [number, number, number]) =>
      dateWorth(readDate(question) ?? { year: 0, month: 0, day: 0 }, Date.UTC(...on) + 3_600_000);
    expect(worth("on 3 May 2026", 2026, 4, 3)).toBe(1);
    expect(worth("on 3 May", 2025, 4, 3)).toBe(1);
    expect(worth("on 3 May 2026", 2026, 4, 9)).toBe(0.5);
    expect([worth("on 3 May 2026", 2026, 4, 2), worth("on 3 May 2026", 2026, 4, 11)]).toEqual([0, 0]);
    expect([worth("in May", 2025, 4, 30), worth("in May 2026", 2025, 4, 30)]).toEqual([0.3, 0]);
  });
});
