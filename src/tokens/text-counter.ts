import type { Awaitable } from "../kit/awaitable.ts";
import { runInSlices } from "../kit/run-in-slices.ts";
import { chunkUnits, createChunkCounter } from "./chunk-counter.ts";
import type { VocabularyName } from "./vocabulary-name.ts";
import type { Vocabulary } from "./vocabulary.ts";

export interface TextCounter {
  /**
   * Tokens of each text, summed. Exact for `alwaysExactBytes`, and beyond as long as the work stays under
   * `maxStepsPerCall`; from there on tokens are extrapolated from slices spread evenly over what is left, a little too
   * many rather than too few because a cut makes two tokens of one.
   */
  countTexts(texts: readonly string[]): number;
  /** The same; where it is long with pauses, in which others have their turns. */
  countInSlices(texts: readonly string[]): Awaitable<number>;
  /** Merging work since the counter was made; for tests, which cannot trust a clock. */
  readonly steps: number;
}

/** Counts with a loaded vocabulary. */
export function createTextCounter(name: VocabularyName, vocabulary: Vocabulary): TextCounter {
  const counter = createChunkCounter(name, vocabulary);

  function countTexts(texts: readonly string[]): number {
    const progress = counter.newCount();
    let tokens = 0;
    for (const text of texts) {
      for (progress.at = 0; progress.at < text.length;) tokens += counter.countChunk(text, progress);
    }
    counter.forget();
    return tokens;
  }

  function* countWithPauses(texts: readonly string[]): Generator<undefined, number> {
    const progress = counter.newCount();
    let tokens = 0;
    for (const text of texts) {
      for (progress.at = 0; progress.at < text.length;) {
        tokens += counter.countChunk(text, progress);
        counter.forget();
        const stepsBefore = counter.steps;
        yield;
        // What others have counted meanwhile.
        progress.stepsAtStart += counter.steps - stepsBefore;
      }
    }
    return tokens;
  }

  return {
    countTexts,
    countInSlices(texts) {
      let units = 0;
      for (const text of texts) units += text.length;
      return units > chunkUnits ? runInSlices(countWithPauses(texts)) : countTexts(texts);
    },
    get steps() {
      return counter.steps;
    },
  };
}
