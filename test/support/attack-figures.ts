import { expect } from "vitest";

/** What a run of attacks came to. */
export interface AttackFigures {
  /** Counts one attempt by its status; 0 is a connection that ended without an answer. */
  count(status: number, what: string): void;
  /** Prints the figures and fails on any answer of 5xx. `unanswered`: how many attempts may end without an answer. */
  report(title: string, unanswered?: number): void;
  readonly tried: number;
}

export function createAttackFigures(): AttackFigures {
  const statuses = new Map<number, number>();
  const serverErrors: string[] = [];
  let tried = 0;
  return {
    get tried() {
      return tried;
    },
    count(status, what) {
      tried += 1;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status >= 500) serverErrors.push(`${status}: ${what}`);
    },
    report(title, unanswered = 0) {
      const list = [...statuses]
        .toSorted(([one], [other]) => one - other)
        .map(([status, count]) => `${count} x ${status}`);
      process.stdout.write(`${title}: ${tried} tried, ${serverErrors.length} server errors (${list.join(", ")})\n`);
      expect(serverErrors).toEqual([]);
      expect(statuses.get(0) ?? 0).toBeLessThanOrEqual(unanswered);
    },
  };
}
