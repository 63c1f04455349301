import type { ConfigMistake } from "./config-error.ts";
import type { ConfigLeaf } from "./schema-leaves.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** A value that a variable gives for a key of the file. */
export interface Override {
  readonly variable: string;
  readonly path: readonly string[];
  readonly value: unknown;
}

interface Variables {
  readonly overrides: readonly Override[];
  readonly mistakes: readonly ConfigMistake[];
}

const PREFIX = "STATEGATE_";

/** Names the file itself, so it is no key of it. */
export const CONFIG_FILE_VARIABLE = "STATEGATE_CONFIG";

const shortNames: Readonly<Record<string, string>> = {
  STATEGATE_HOST: "http.host",
  STATEGATE_PORT: "http.port",
  STATEGATE_UPSTREAM_URL: "upstream.url",
  STATEGATE_STORE: "store.address",
  STATEGATE_MASTER_KEYS: "keys.masterKeys",
  STATEGATE_ADMIN_KEY: "identity.adminKey",
};

/**
 * Finds the keys that `STATEGATE_*` variables set. An empty variable counts as absent: container tools cannot leave
 * one out. An unknown one is a mistake, because a misspelt safeguard would otherwise be silently off.
 */
export function readVariables(env: Environment, leaves: readonly ConfigLeaf[]): Variables {
  const byVariable = new Map(leaves.map((leaf) => [variableName(leaf.path), leaf]));
  const byPath = new Map(leaves.map((leaf) => [leaf.path.join("."), leaf]));
  const overrides = new Map<ConfigLeaf, Override>();
  const mistakes: ConfigMistake[] = [];
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(PREFIX) || variable === CONFIG_FILE_VARIABLE || !text) continue;
    const leaf = byVariable.get(variable) ?? byPath.get(shortNames[variable] ?? "");
    const other = leaf && overrides.get(leaf);
    if (!leaf) mistakes.push({ path: variable, message: "no key has this variable" });
    else if (other) mistakes.push({ path: variable, message: `sets the same key as ${other.variable}` });
    else overrides.set(leaf, { variable, path: leaf.path, value: parseValue(text, leaf.kind) });
  }
  return { overrides: [...overrides.values()], mistakes };
}

/** `upstream.promptCache.ttlSeconds` is `STATEGATE_UPSTREAM__PROMPT_CACHE__TTL_SECONDS`. */
export function variableName(path: readonly string[]): string {
  return PREFIX + path.map((key) => key.replace(/[A-Z]/g, "_$&").toUpperCase()).join("__");
}

/** Text that is no number or boolean stays text, for the schema to complain about. */
function parseValue(text: string, kind: ConfigLeaf["kind"]): unknown {
  const value = text.trim();
  if (kind === "number") return /^-?\d+(?:\.\d+)?$/.test(value) ? Number(value) : value;
  if (kind === "boolean") return value === "true" ? true : value === "false" ? false : value;
  return kind === "list" ? value.split(",").map((item) => item.trim()) : value;
}
