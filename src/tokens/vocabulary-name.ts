export type VocabularyName = "o200k_base" | "cl100k_base";

export const vocabularyNames: readonly VocabularyName[] = ["o200k_base", "cl100k_base"];

/** gpt-4o, gpt-4.1 and gpt-4.5 have the newer vocabulary; `gpt-35` is how Azure spells 3.5. */
const olderModel = /^(?:gpt-4(?![.o\w])|gpt-3\.?5|text-embedding)/;

/** The vocabulary of a model, of its snapshots and fine-tunes; for other vendors' models o200k_base is the estimate. */
export function vocabularyOf(model: string): VocabularyName {
  const base = model.slice(model.lastIndexOf("/") + 1).replace(/^ft:/, "");
  return olderModel.test(base) ? "cl100k_base" : "o200k_base";
}
