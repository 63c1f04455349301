import { randomBytes } from "node:crypto";
import { setImmediate } from "node:timers/promises";

import { andThen } from "../kit/awaitable.ts";
import type { Log } from "../kit/log.ts";
import { loadVocabulary } from "./load-vocabulary.ts";
import { countableMessage } from "./message-tokens.ts";
import { createTextCounter, type TextCounter } from "./text-counter.ts";
import type { TokenCounter, TokenCounters } from "./token-counter.ts";
import { type VocabularyName, vocabularyNames, vocabularyOf } from "./vocabulary-name.ts";

export interface TokenCountersOptions {
  /** Holds the packed vocabularies, a few MB; made when absent. */
  readonly cacheDirectory: string;
  /** What was packed is read where it lies, and not written. */
  readonly readOnly?: boolean;
  readonly log: Log;
}

/** Returns at once with estimates, and loads the vocabularies behind. A failure is one warning and estimates for ever. */
export function openTokenCounters(options: TokenCountersOptions): TokenCounters {
  const loaded = new Map<VocabularyName, TextCounter>();
  const counters = new Map(vocabularyNames.map((name) => [name, counterOver(name, () => loaded.get(name))]));
  return {
    get exact() {
      return loaded.size === vocabularyNames.length;
    },
    ready: loadAll(loaded, options),
    forModel: (model) => counters.get(vocabularyOf(model)) as TokenCounter,
  };
}

async function loadAll(loaded: Map<VocabularyName, TextCounter>, options: TokenCountersOptions): Promise<void> {
  try {
    // One after the other: two workers at a first start would take both cores of a small machine.
    for (const name of vocabularyNames) {
      const counter = createTextCounter(name, await loadVocabulary(name, options));
      loaded.set(name, counter);
      await warmUp(counter);
    }
  } catch (error) {
    options.log.warn({ cause: String(error) }, "token vocabularies not loaded, counts are estimates");
  }
}

/** Interpreted, a first megabyte would take twice its time: a little of every kind of text gets the code compiled. */
async function warmUp(counter: TextCounter): Promise<void> {
  for (let slice = 0; slice < 64; slice += 1) {
    const noise = randomBytes(512);
    counter.countTexts([noise.toString("base64"), noise.toString("latin1"), "abcdefghij".repeat(8)]);
    await setImmediate();
  }
}

function counterOver(name: VocabularyName, exactCounter: () => TextCounter | undefined): TokenCounter {
  const countTexts = (texts: readonly string[]): number =>
    exactCounter()?.countTexts(texts) ?? texts.reduce((tokens, text) => tokens + estimateTokens(text), 0);
  return {
    get vocabulary() {
      return exactCounter() ? name : "estimate";
    },
    countText: (text) => countTexts([text]),
    countMessage(message) {
      const { texts, fixedTokens } = countableMessage(message);
      return countTexts(texts) + fixedTokens;
    },
    countInSlices(what) {
      const { texts, fixedTokens } =
        typeof what === "string" ? { texts: [what], fixedTokens: 0 } : countableMessage(what);
      const counting = exactCounter()?.countInSlices(texts) ?? countTexts(texts);
      return andThen(counting, (tokens) => tokens + fixedTokens);
    },
  };
}

/** Four characters of English are a token, and most characters that UTF-8 spends more bytes on are nearly one each. */
function estimateTokens(text: string): number {
  return Math.ceil(text.length / 4 + (Buffer.byteLength(text) - text.length) / 4);
}
