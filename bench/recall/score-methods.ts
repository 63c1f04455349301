import type { Question } from "./conversations.ts";
import { evidenceTold, type MethodParts, methods } from "./methods.ts";
import type { Prepared } from "./prepare.ts";
import { createTally, type Scores } from "./tally.ts";

export const budgets = [500, 1_000, 2_000, 4_000] as const;

/** The share of the evidence that is recalled at each budget. */
export async function scoreMethods(parts: MethodParts, conversations: readonly Prepared[]): Promise<Scores> {
  const tally = createTally();
  for (const prepared of conversations) {
    for (const question of prepared.conversation.questions) {
      const evidence = evidenceOf(prepared, question);
      if (evidence.length === 0) continue;
      await parts.reader.prepare([question.question], prepared.index.language);
      for (const [name, method] of Object.entries(methods)) {
        const ranked = method(parts, prepared, question.question);
        const told = budgets.map((maxTokens) => evidenceTold(parts, ranked, { maxTokens, evidence }));
        tally.add(name, question.category, told);
      }
    }
  }
  return tally.scores();
}

/** Texts of the remarks that answer a question; some of LoCoMo's ids name none. */
export function evidenceOf({ remarks }: Prepared, { evidence }: Question): string[] {
  const texts = new Map(remarks.map(({ id, text }) => [id, text]));
  return evidence.flatMap((id) => texts.get(id) ?? []);
}
