import { categories } from "./conversations.ts";

/** Means over questions by what was tried and by category, `all` among these: one value for each budget. */
export type Scores = ReadonlyMap<string, { readonly questions: number; readonly means: readonly number[] }>;

export const scoreKey = (name: string, category: string): string => `${name} | ${category}`;

export function createTally() {
  const sums = new Map<string, { questions: number; totals: number[] }>();
  return {
    add(name: string, category: number, values: readonly number[]): void {
      for (const group of [categories[category] ?? "other", "all"]) {
        const key = scoreKey(name, group);
        const sum = sums.get(key) ?? { questions: 0, totals: values.map(() => 0) };
        const totals = sum.totals.map((total, at) => total + (values[at] ?? 0));
        sums.set(key, { questions: sum.questions + 1, totals });
      }
    },
    scores(): Scores {
      return new Map(
        [...sums].map(([key, { questions, totals }]) => [
          key,
          { questions, means: totals.map((total) => total / questions) },
        ]),
      );
    },
  };
}
