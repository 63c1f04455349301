import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";

import type { Log } from "../kit/log.ts";
import { decodeVocabulary, readPacked, writePacked } from "./vocabulary-file.ts";
import type { VocabularyName } from "./vocabulary-name.ts";
import type { Vocabulary } from "./vocabulary.ts";

export interface LoadVocabularyOptions {
  readonly cacheDirectory: string;
  readonly readOnly?: boolean;
  readonly log: Log;
}

/** Raise when packing or splitting changes what a packed file must hold. */
const formatVersion = 1;

/**
 * Reads the packed vocabulary; where there is none, or a damaged or outdated one, packs it in a worker thread and writes
 * it for the next start. A directory that cannot be written costs only that. Rejects when packing fails.
 */
export async function loadVocabulary(name: VocabularyName, options: LoadVocabularyOptions): Promise<Vocabulary> {
  const { cacheDirectory, readOnly = false, log } = options;
  const path = join(cacheDirectory, `${name}.vocabulary`);
  const identity = await identityOf(name);
  const cached = await readPacked(path);
  const vocabulary = cached && decodeVocabulary(cached, identity);
  if (vocabulary) return vocabulary;
  const packed = await packInWorker(name, identity);
  const fresh = decodeVocabulary(packed, identity);
  if (!fresh) throw new TypeError("a freshly packed vocabulary is damaged");
  if (readOnly) return fresh;
  await writePacked(path, packed).catch((error: unknown) => {
    log.warn({ vocabulary: name, cause: String(error) }, "packed vocabulary not cached");
  });
  return fresh;
}

/** The character classes come from this Node's Unicode tables, the tokens from js-tiktoken. */
async function identityOf(name: VocabularyName): Promise<string> {
  const ranks = pathToFileURL(createRequire(import.meta.url).resolve(`js-tiktoken/ranks/${name}`));
  const manifest = JSON.parse(await readFile(fileURLToPath(new URL("../../package.json", ranks)), "utf8")) as {
    version: string;
  };
  return `${name} format ${formatVersion} js-tiktoken ${manifest.version} unicode ${process.versions["unicode"]}`;
}

function packInWorker(name: VocabularyName, identity: string): Promise<Uint8Array<ArrayBuffer>> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
  const worker = new Worker(new URL("./pack-vocabulary-worker.ts", import.meta.url), {
    workerData: { name, identity },
  });
  worker.once("message", resolve);
  worker.once("error", reject);
  worker.once("exit", (code) => reject(new Error(`the packing worker ended early, code ${code}`)));
  return promise;
}
