/**
 * Packs one vocabulary of js-tiktoken, which would block the event loop for half a second, into the file that is named.
 * Where none is, or it cannot be written, to standard output.
 */
import { buildCharacterClasses } from "./character-class.ts";
import { encodeVocabulary, writePacked } from "./vocabulary-file.ts";
import type { VocabularyName } from "./vocabulary-name.ts";
import { packVocabulary } from "./vocabulary.ts";

const ranksOf: Readonly<Record<VocabularyName, () => Promise<{ default: { bpe_ranks: string } }>>> = {
  o200k_base: () => import("js-tiktoken/ranks/o200k_base"),
  cl100k_base: () => import("js-tiktoken/ranks/cl100k_base"),
};

/** Each line is a marker, the rank of its first token, and tokens of consecutive ranks in base64. */
function parseRanks(text: string): string[] {
  const tokens: string[] = [];
  for (const line of text.split("\n").filter(Boolean)) {
    const [, first, ...encoded] = line.split(" ");
    for (const [index, token] of encoded.entries()) tokens[Number(first) + index] = token;
  }
  if (Object.keys(tokens).length !== tokens.length) throw new TypeError("the ranks of a vocabulary have gaps");
  return tokens;
}

const [name, identity = "", path] = process.argv.slice(2);
const { default: ranks } = await ranksOf[name as VocabularyName]();
const packed = encodeVocabulary(packVocabulary(parseRanks(ranks.bpe_ranks), buildCharacterClasses()), identity);
if (path === undefined) process.stdout.write(packed);
else {
  await writePacked(path, packed).catch((error: unknown) => {
    process.stderr.write(String(error));
    process.stdout.write(packed);
  });
}
