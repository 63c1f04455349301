import { describe, expect, it } from "vitest";

import { countTests, failuresOf, isGreen } from "../../../tools/test-totals.ts";

const file = (status: string, ...results: string[]) => ({
  status,
  name: "a.test.ts",
  message: "",
  assertionResults: results.map((result) => ({ status: result, fullName: `is ${result}` })),
});

describe("the totals of a test run", () => {
  it("count every test once, whatever left it out", () => {
    const testResults = [file("passed", "passed", "skipped", "todo", "pending"), file("failed", "failed", "passed")];
    expect(countTests({ testResults })).toEqual({ passed: 2, failed: 1, skipped: 3 });
  });

  it("count a file that could not be loaded as a failure", () => {
    expect(countTests({ testResults: [file("failed"), file("failed", "passed")] })).toMatchObject({ failed: 2 });
  });

  it("come with where and why each failed, shortly", () => {
    const failed = {
      status: "failed",
      fullName: "sums up",
      failureMessages: [`expected 1 to be 2${"x".repeat(9_999)}`],
    };
    const testResults = [
      { ...file("failed", "passed"), assertionResults: [...file("failed", "passed").assertionResults, failed] },
      { ...file("failed"), name: "b.test.ts", message: "cannot find c.ts" },
      file("passed", "passed", "skipped"),
    ];
    const [one = "", two, ...more] = failuresOf({ testResults });
    expect(one).toContain("FAILED a.test.ts: sums up\nexpected 1 to be 2");
    expect(one.length).toBeLessThan(1_000);
    expect(two).toBe("FAILED b.test.ts\ncannot find c.ts\n");
    expect(more).toEqual([]);
  });

  it("are green only when something ran and all of it passed", () => {
    expect(isGreen({ passed: 1, failed: 0, skipped: 0 })).toBe(true);
    expect(isGreen({ passed: 1, failed: 1, skipped: 0 })).toBe(false);
    expect(isGreen({ passed: 1, failed: 0, skipped: 1 })).toBe(false);
    expect(isGreen({ passed: 0, failed: 0, skipped: 0 })).toBe(false);
  });
});
