import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

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
 * Reads the packed vocabulary; where there is none, or a damaged or outdated one, packs it in a process of its own and writes
 * it for the next start. A directory that cannot be written costs only that. Rejects when packing fails.
 */
export async function loadVocabulary(name: VocabularyName, options: LoadVocabularyOptions): Promise<Vocabulary> {
  const { cacheDirectory, readOnly = false, log } = options;
  const path = join(cacheDirectory, `${name}.vocabulary`);
  const identity = await identityOf(name);
  const cached = await readPacked(path);
  const vocabulary = cached && decodeVocabulary(cached, identity);
  if (vocabulary) return vocabulary;
  const packed = await packInProcess(name, identity);
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

const PACKER = fileURLToPath(new URL("./pack-vocabulary-process.ts", import.meta.url));
const MAX_PACKED_BYTES = 32 << 20;

/** A worker thread would leave its 60 MB to this process for good. It is told nothing of the environment, which holds keys. */
async function packInProcess(name: VocabularyName, identity: string): Promise<Uint8Array<ArrayBuffer>> {
  const options = { encoding: "buffer", env: {}, maxBuffer: MAX_PACKED_BYTES } as const;
  const { stdout } = await promisify(execFile)(process.execPath, [PACKER, name, identity], options);
  return Uint8Array.from(stdout);
}
