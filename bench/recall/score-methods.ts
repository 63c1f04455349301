import { categories, type Question } from "./conversations.ts";
import { evidenceTold, type MethodParts, methods } from "./methods.ts";
import type { Prepared } from "./prepare.ts";

export const budgets = [500, 1_000, 2_000, 4_000] as const;

/** By method and category, `all` among these: the mean evidence recall at each budget, of how many questions. */
export type Scores = ReadonlyMap<string, { readonly questions: number; readonly recall: readonly number[] }>;

export async function scoreMethods(parts: MethodParts, conversations: readonly Prepared[]): Promise<Scores> {
  const sums = new Map<string, { questions: number; recall: number[] }>();
  for (const prepared of conversations) {
    for (const question of prepared.conversation.questions) {
      const evidence = evidenceOf(prepared, question);
      if (evidence.length === 0) continue;
      await parts.reader.prepare([question.question], prepared.index.language);
      for (const [name, method] of Object.entries(methods)) {
        const ranked = method(parts, prepared, question.question);
        const told = budgets.map((maxTokens) => evidenceTold(parts, ranked, { maxTokens, evidence }));
        for (const category of [categories[question.category] ?? "other", "all"]) {
          const key = `${name} | ${category}`;
          const sum = sums.get(key) ?? { questions: 0, recall: budgets.map(() => 0) };
          sums.set(key, {
            questions: sum.questions + 1,
            recall: sum.recall.map((total, at) => total + (told[at] ?? 0)),
          });
        }
      }
    }
  }
  return new Map(
    [...sums].map(([key, { questions, recall }]) => [key, { questions, recall: recall.map((sum) => sum / questions) }]),
  );
}

/** Texts of the remarks that answer a question; some of LoCoMo's ids name none. */
export function evidenceOf({ remarks }: Prepared, { evidence }: Question): string[] {
  const texts = new Map(remarks.map(({ id, text }) => [id, text]));
  return evidence.flatMap((id) => texts.get(id) ?? []);
}
