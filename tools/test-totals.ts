/** The part of vitest's JSON report that is counted. */
export interface TestReport {
  readonly testResults: readonly TestFile[];
}

interface TestFile {
  readonly status: string;
  /** Its path. */
  readonly name: string;
  /** Why it could not be loaded, if it could not. */
  readonly message: string;
  readonly assertionResults: readonly {
    readonly status: string;
    readonly fullName: string;
    readonly failureMessages?: readonly string[];
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

const MESSAGE_CHARS = 500;

/** One text for each failure: where, what, and the beginning of why. */
export function failuresOf({ testResults }: TestReport): string[] {
  return testResults.flatMap(({ status, name, message, assertionResults }) => {
    const failed = assertionResults.filter((result) => result.status === "failed");
    if (failed.length === 0) return status === "failed" ? [describe(name, message)] : [];
    return failed.map(({ fullName, failureMessages = [] }) =>
      describe(`${name}: ${fullName}`, failureMessages.join("\n")),
    );
  });
}

const describe = (what: string, why: string): string => `FAILED ${what}\n${why.slice(0, MESSAGE_CHARS)}\n`;
