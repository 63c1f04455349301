import { readdirSync, readFileSync, statSync } from "node:fs";
import { extname, join } from "node:path";

import { Tiktoken } from "js-tiktoken/lite";
import o200k from "js-tiktoken/ranks/o200k_base";

import { findingsOf } from "../test/support/pii/score.ts";

/** What counts as code and prose. */
const ENDINGS = new Set([
  ".md",
  ".py",
  ".rst",
  ".ts",
  ".js",
  ".mjs",
  ".cjs",
  ".json",
  ".txt",
  ".yaml",
  ".yml",
  ".html",
  ".css",
]);
const MAX_FILE_BYTES = 200_000;
const CHUNK = 8192;

const paths = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
if (paths.length === 0) throw new TypeError("usage: npm run count:redactions -- FOLDER_OR_FILE… [--show]");
const isShown = process.argv.includes("--show");
const encoding = new Tiktoken(o200k);
const counts = new Map<string, number>();
let tokens = 0;
let files = 0;

for (const path of paths) for (const file of filesIn(path)) countIn(file);

function* filesIn(path: string): Generator<string> {
  const about = statSync(path, { throwIfNoEntry: false });
  if (about?.isDirectory() === true) for (const name of readdirSync(path).toSorted()) yield* filesIn(join(path, name));
  else if (about !== undefined && ENDINGS.has(extname(path)) && about.size <= MAX_FILE_BYTES) yield path;
}

function countIn(file: string): void {
  const text = readFileSync(file, "utf8");
  files++;
  for (let at = 0; at < text.length; at += CHUNK) tokens += encoding.encode(text.slice(at, at + CHUNK), "all").length;
  for (const { type, start, end } of findingsOf(text)) {
    counts.set(type, (counts.get(type) ?? 0) + 1);
    if (isShown) process.stdout.write(`${type} ${file}: ${JSON.stringify(text.slice(Math.max(0, start - 40), end))}\n`);
  }
}

const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
process.stdout.write(`${files} files, ${tokens} tokens, ${total} findings: `);
process.stdout.write(`${((total / tokens) * 10_000).toFixed(2)} per 10,000 tokens\n`);
for (const [type, count] of counts) process.stdout.write(`${type.padEnd(8)} ${count}\n`);
