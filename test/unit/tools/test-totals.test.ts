import { describe, expect, it } from "vitest";

import { countTests, isGreen } from "../../../tools/test-totals.ts";

const file = (status: string, ...results: string[]) => ({
  status,
  assertionResults: results.map((result) => ({ status: result })),
});

describe("the totals of a test run", () => {
  it("count every test once, whatever left it out", () => {
    const testResults = [file("passed", "passed", "skipped", "todo", "pending"), file("failed", "failed", "passed")];
    expect(countTests({ testResults })).toEqual({ passed: 2, failed: 1, skipped: 3 });
  });

  it("count a file that could not be loaded as a failure", () => {
    expect(countTests({ testResults: [file("failed"), file("failed", "passed")] })).toMatchObject({ failed: 2 });
  });

  it("are green only when something ran and all of it passed", () => {
    expect(isGreen({ passed: 1, failed: 0, skipped: 0 })).toBe(true);
    expect(isGreen({ passed: 1, failed: 1, skipped: 0 })).toBe(false);
    expect(isGreen({ passed: 1, failed: 0, skipped: 1 })).toBe(false);
    expect(isGreen({ passed: 0, failed: 0, skipped: 0 })).toBe(false);
  });
});
