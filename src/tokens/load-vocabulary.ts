import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

import type { Log } from "../kit/log.ts";
import { decodeVocabulary, readPacked } from "./vocabulary-file.ts";
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
  const packed = await packInProcess({ name, identity, path: readOnly ? undefined : path, log });
  const fresh = packed && decodeVocabulary(packed, identity);
  if (!fresh) throw new TypeError("a freshly packed vocabulary is damaged");
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

interface Packing {
  readonly name: VocabularyName;
  readonly identity: string;
  /** Where to keep it, if it shall be kept. */
  readonly path: string | undefined;
  readonly log: Log;
}

/**
 * A worker thread would leave its 60 MB to this process for good, and a file read from a pipe its 8 MB: the packer writes
 * the file itself where it can. It is told nothing of the environment, which holds keys.
 */
async function packInProcess({ name, identity, path, log }: Packing): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const options = { encoding: "buffer", env: {}, maxBuffer: MAX_PACKED_BYTES } as const;
  const args = [PACKER, name, identity, ...(path === undefined ? [] : [path])];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, options);
  if (path === undefined) return Uint8Array.from(stdout);
  if (stdout.length === 0) return readPacked(path);
  log.warn({ vocabulary: name, cause: stderr.toString() }, "packed vocabulary not cached");
  return Uint8Array.from(stdout);
}
