import { beforeAll, describe, expect, it } from "vitest";

import { alwaysExactBytes, maxStepsPerCall } from "../../../src/tokens/chunk-counter.ts";
import { loadVocabulary } from "../../../src/tokens/load-vocabulary.ts";
import { mostStepsPerByte } from "../../../src/tokens/piece-merger.ts";
import { createTextCounter, type TextCounter } from "../../../src/tokens/text-counter.ts";
import { vocabularyNames } from "../../../src/tokens/vocabulary-name.ts";
import { hostileTexts } from "./hostile-texts.ts";
import { recordingLog, sharedDirectory } from "./vocabulary-fixture.ts";

const megabyte = 0x100000;
const megabyteTexts = [...hostileTexts(megabyte)];
/** 32 slices of 256 characters, three bytes each at most. */
const estimateSteps = 32 * 256 * 3 * mostStepsPerByte;
const boundPerCall = Math.max(alwaysExactBytes * mostStepsPerByte, maxStepsPerCall) + estimateSteps;

function measured(counter: TextCounter, texts: readonly string[]) {
  const stepsBefore = counter.steps;
  const startedAt = performance.now();
  const tokens = counter.countTexts(texts);
  return { tokens, ms: Math.round(performance.now() - startedAt), steps: counter.steps - stepsBefore };
}

describe.each(vocabularyNames)("hostile texts under %s", (name) => {
  const directory = sharedDirectory();
  let counter: TextCounter;
  beforeAll(async () => {
    const options = { cacheDirectory: directory, log: recordingLog() };
    counter = createTextCounter(name, await loadVocabulary(name, options));
  });

  it("cost a bounded number of merge steps at 1 MB, whatever their shape", () => {
    const rows = megabyteTexts.map(([shape, text]) => ({ shape, ...measured(counter, [text]) }));
    console.table(rows);
    expect(rows.length).toBeGreaterThan(40);
    expect(rows.filter(({ steps }) => steps > boundPerCall)).toEqual([]);
  });

  it("cost no more at 5 MB, nor as several fields of one message", () => {
    const sizes = [5 * megabyte, 2 * megabyte, 1000];
    const rows = [" ", "a", "的", "Zq"].flatMap((unit) => {
      const texts = sizes.map((size) => unit.repeat(Math.floor(size / Buffer.byteLength(unit))));
      return [measured(counter, [texts[0] ?? ""]), measured(counter, texts)];
    });
    expect(rows.filter(({ steps }) => steps > boundPerCall + 2 * estimateSteps)).toEqual([]);
  });

  it("stay below the assumed steps per byte as single pieces of 64 KB", () => {
    const rows = [...hostileTexts(alwaysExactBytes)].map(([shape, text]) => ({ shape, ...measured(counter, [text]) }));
    expect(rows.filter(({ steps }) => steps > alwaysExactBytes * mostStepsPerByte)).toEqual([]);
  });

  it("are estimated within 5 % of an exact count where the work ends early", () => {
    const wrong = megabyteTexts.flatMap(([shape, text]) => {
      // All of these texts are alike from end to end.
      const length = Math.floor((alwaysExactBytes / Buffer.byteLength(text)) * text.length * 0.9);
      const exact = (counter.countTexts([text.slice(0, length)]) / length) * text.length;
      const { tokens } = measured(counter, [text]);
      return Math.abs(tokens / exact - 1) > 0.05 ? [{ shape, tokens, exact }] : [];
    });
    expect(wrong).toEqual([]);
  });
});
