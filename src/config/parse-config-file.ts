import { createRequire } from "node:module";

import type * as Yaml from "yaml";

import type { ConfigMistake } from "./config-error.ts";

export interface ConfigFile {
  /** What the file says; means nothing when there are mistakes. */
  readonly value: unknown;
  readonly mistakes: readonly ConfigMistake[];
}

const require = createRequire(import.meta.url);
/** Loaded only where there is a file to read. */
const loadYaml = () => require("yaml") as typeof Yaml;

const MAX_ALIASES = 10;

/** Reads YAML 1.2. A key that stands twice is a mistake; an empty file says nothing. */
export function parseConfigFile(text: string, path: string): ConfigFile {
  const { LineCounter, parseDocument } = loadYaml();
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, stringKeys: true });
  const mistakes = [...document.errors, ...document.warnings].map(({ code, pos }) => {
    const { line, col } = lineCounter.linePos(pos[0]);
    return { path: `${path}:${line}:${col}`, message: sentenceFor(code) };
  });
  if (mistakes.length > 0) return { value: {}, mistakes };
  try {
    return { value: document.toJS({ maxAliasCount: MAX_ALIASES }) ?? {}, mistakes };
  } catch {
    return { value: {}, mistakes: [{ path, message: "holds too many aliases, or one that names nothing" }] };
  }
}

/** The parser's own messages may quote the file, and the file may hold a secret. */
function sentenceFor(code: string): string {
  if (code === "DUPLICATE_KEY") return "this key stands here twice";
  return `not valid YAML (${code.toLowerCase().replaceAll("_", " ")})`;
}
