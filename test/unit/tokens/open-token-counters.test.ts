import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { openTokenCounters } from "../../../src/tokens/open-token-counters.ts";
import { decodeVocabulary, encodeVocabulary } from "../../../src/tokens/vocabulary-file.ts";
import { recordingLog, sharedDirectory, temporaryDirectory } from "./vocabulary-fixture.ts";

const sentence = "Ада Лавлейс написала первый алгоритм, а наивные читатели сомневаются.";
/** As js-tiktoken counts it. */
const sentenceTokens = { "gpt-4o": 22, "gpt-4": 36 };

async function opened(cacheDirectory: string) {
  const log = recordingLog();
  const counters = openTokenCounters({ cacheDirectory, log });
  await counters.ready;
  return { counters, log };
}

describe("openTokenCounters", () => {
  const directory = sharedDirectory();

  it("estimates at once, packs off the event loop, and the same counter is exact afterwards", async () => {
    const counters = openTokenCounters({ cacheDirectory: directory, log: recordingLog() });
    const counter = counters.forModel("gpt-4o");
    expect(counters.exact).toBe(false);
    expect(counter.vocabulary).toBe("estimate");
    expect(counter.countText(sentence)).toBe(32);
    let turnsOfTheLoop = 0;
    const tick = setInterval(() => (turnsOfTheLoop += 1), 1);
    await counters.ready;
    clearInterval(tick);
    // Packing takes hundreds of milliseconds; on this thread it would leave a handful of turns.
    expect(turnsOfTheLoop).toBeGreaterThan(40);
    expect(counters.exact).toBe(true);
    expect(counter.vocabulary).toBe("o200k_base");
    expect(counter.countText(sentence)).toBe(sentenceTokens["gpt-4o"]);
    expect(counters.forModel("gpt-4").countText(sentence)).toBe(sentenceTokens["gpt-4"]);
  });

  it("keeps the packed files, of a few MB and nothing else, and does not write them again", async () => {
    const path = join(directory, "o200k_base.vocabulary");
    const before = await stat(path);
    const { counters, log } = await opened(directory);
    expect(counters.exact).toBe(true);
    expect(log.warnings).toEqual([]);
    expect((await stat(path)).mtimeMs).toBe(before.mtimeMs);
    expect(before.size).toBeLessThan(5_000_000);
    expect((await readdir(directory)).toSorted()).toEqual(["cl100k_base.vocabulary", "o200k_base.vocabulary"]);
  });

  const damage: Readonly<Record<string, (file: Buffer<ArrayBuffer>) => Uint8Array>> = {
    empty: () => new Uint8Array(0),
    "cut short": (file) => file.subarray(0, file.length - 100),
    "flipped in one bit": (file) => {
      const at = Math.floor(file.length / 2);
      file.writeUInt8(file.readUInt8(at) ^ 1, at);
      return file;
    },
    "something else": () => Buffer.from("not a vocabulary at all, but longer than a header"),
    "of another version": (file) => {
      const headerBytes = 36;
      const identity = file.toString("latin1", headerBytes, headerBytes + (new Uint32Array(file.buffer, 0, 3)[2] ?? 0));
      const vocabulary = decodeVocabulary(file, identity);
      if (!vocabulary) throw new Error(`the file is not of identity ${identity}`);
      return encodeVocabulary(
        { ...vocabulary, tokenBytes: new Uint8Array(9) },
        identity.replace("format 1", "format 0"),
      );
    },
  };

  it.each(Object.entries(damage))("rebuilds a file that is %s", async (_, spoil) => {
    const path = join(directory, "cl100k_base.vocabulary");
    const good = await readFile(path);
    await writeFile(path, spoil(Buffer.from(new Uint8Array(good).buffer)));
    const { counters, log } = await opened(directory);
    expect(counters.forModel("gpt-4").countText(sentence)).toBe(sentenceTokens["gpt-4"]);
    expect(log.warnings).toEqual([]);
    expect((await readFile(path)).equals(good)).toBe(true);
  });

  it("counts exactly where the cache cannot be written, and says so", async () => {
    const file = join(temporaryDirectory(), "a-file");
    await writeFile(file, "");
    const { counters, log } = await opened(join(file, "cache"));
    expect(counters.exact).toBe(true);
    expect(log.warnings).toEqual(["packed vocabulary not cached", "packed vocabulary not cached"]);
  });

  it.each([
    ["o200k_base", ["gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.5-preview", "gpt-5", "gpt-5-mini", "o1", "o3-mini"]],
    ["o200k_base", ["chatgpt-4o-latest", "ft:gpt-4o-mini:acme::id", "openai/gpt-4o", "claude-sonnet-5", "llama", ""]],
    ["cl100k_base", ["gpt-4", "gpt-4-0613", "gpt-4-turbo", "gpt-4-32k", "gpt-3.5-turbo-0125", "gpt-35-turbo"]],
    ["cl100k_base", ["text-embedding-3-small", "text-embedding-ada-002", "openai/gpt-4", "ft:gpt-3.5-turbo:acme::id"]],
  ])("knows that %s is the vocabulary of %j", async (vocabulary, models) => {
    const { counters } = await opened(directory);
    expect(models.map((model) => counters.forModel(model).vocabulary)).toEqual(models.map(() => vocabulary));
  });
});
