import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { ConfigError, type ConfigMistake } from "./config-error.ts";
import { configSchema } from "./config-schema.ts";
import { deepFreeze } from "./deep-freeze.ts";
import type { GatewayConfig } from "./gateway-config.ts";
import { type ConfigFile, parseConfigFile } from "./parse-config-file.ts";
import { CONFIG_FILE_VARIABLE, type Environment, type Override, readVariables } from "./read-variables.ts";
import { findContradictions } from "./sanity-rules.ts";
import { schemaLeaves } from "./schema-leaves.ts";

export interface LoadConfigOptions {
  readonly env: Environment;
  /** The folder that holds `gateway.config.yaml` when `STATEGATE_CONFIG` names no other file. */
  readonly cwd: string;
  /** Throws an error with the code `ENOENT` for a file that is not there, like `readFileSync`. */
  readonly readFile?: (path: string) => string;
}

const DEFAULT_FILE = "gateway.config.yaml";

/**
 * Defaults, overridden by the file, overridden by `STATEGATE_*` variables; frozen all the way down. Called once, before
 * anything listens.
 *
 * @throws ConfigError that lists every mistake
 */
export function loadConfig({ env, cwd, readFile = readText }: LoadConfigOptions): GatewayConfig {
  const variables = readVariables(env, schemaLeaves(configSchema));
  const file = readConfigFile({ env, cwd, readFile });
  // Compiling the schema, which pays when many values are read, takes four times what reading this one does.
  const parsed = configSchema.safeParse(applyOverrides(file.value, variables.overrides), { jitless: true });
  const wrong = parsed.success
    ? findContradictions(parsed.data)
    : parsed.error.issues.flatMap((issue) => describeIssue(issue, variables.overrides));
  const mistakes = [...file.mistakes, ...wrong, ...variables.mistakes];
  if (!parsed.success || mistakes.length > 0) throw new ConfigError(mistakes);
  return deepFreeze(parsed.data);
}

function readConfigFile({ env, cwd, readFile }: Required<LoadConfigOptions>): ConfigFile {
  const named = env[CONFIG_FILE_VARIABLE];
  const path = resolve(cwd, named || DEFAULT_FILE);
  try {
    return parseConfigFile(readFile(path), path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
    if (code === undefined) throw error;
    if (code === "ENOENT" && !named) return { value: {}, mistakes: [] };
    const mistake = { path: named ? CONFIG_FILE_VARIABLE : DEFAULT_FILE, message: `cannot read ${path} (${code})` };
    return { value: {}, mistakes: [mistake] };
  }
}

const readText = (path: string): string => readFileSync(path, "utf8");

/** A file whose shape is wrong stays as it is, for the schema to complain about. */
function applyOverrides(file: unknown, overrides: readonly Override[]): unknown {
  return overrides.reduce((value, { path, value: given }) => withValue(value, path, given), file);
}

function withValue(target: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  if (target !== undefined && !isPlainObject(target)) return target;
  return { ...target, [key]: withValue(target?.[key], rest, value) };
}

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

type Issue = { readonly path: readonly PropertyKey[]; readonly message: string; readonly keys?: readonly string[] };

function describeIssue({ path, message, keys }: Issue, overrides: readonly Override[]): ConfigMistake[] {
  if (keys) return keys.map((key) => ({ path: dotted([...path, key]), message: "there is no such key" }));
  const source = overrides.find((override) => dotted(path).startsWith(dotted(override.path)));
  const text = message.replace(/^Invalid (?:input|option|string): /, "");
  return [{ path: dotted(path) || "the file", message: source ? `${text} (set by ${source.variable})` : text }];
}

const dotted = (path: readonly PropertyKey[]): string => path.map(String).join(".");
