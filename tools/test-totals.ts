/** The part of vitest's JSON report that is counted. */
export interface TestReport {
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

export interface TestTotals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** A file that failed without a failed test, because it could not be loaded, counts as one. */
export function countTests({ testResults }: TestReport): TestTotals {
  const totals = { passed: 0, failed: 0, skipped: 0 };
  for (const { status, assertionResults } of testResults) {
    const failures = assertionResults.filter((result) => result.status === "failed").length;
    const passes = assertionResults.filter((result) => result.status === "passed").length;
    totals.passed += passes;
    totals.failed += failures || (status === "failed" ? 1 : 0);
    totals.skipped += assertionResults.length - passes - failures;
  }
  return totals;
}

/** Nothing failed, nothing was left out, and something ran. */
export const isGreen = ({ passed, failed, skipped }: TestTotals): boolean => passed > 0 && failed + skipped === 0;
