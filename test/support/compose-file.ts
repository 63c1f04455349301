import { parse } from "yaml";

/** What the tests read of a compose file. */
export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

export interface ComposeService {
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly stop_grace_period?: string;
  readonly [key: string]: unknown;
}

/** With `${NAME:-default}` and `${NAME:?message}` filled in from `env`, an empty value counting as none. */
export function parseComposeFile(source: string, env: Readonly<Record<string, string>>): ComposeFile {
  const filled = source.replaceAll(/\$\{(\w+):([-?])([^}]*)\}/g, (_, name: string, kind: string, rest: string) => {
    if (!(name in env)) throw new Error(`nothing says what ${name} is`);
    if (env[name]) return env[name];
    if (kind === "?") throw new Error(`${name}: ${rest}`);
    return rest;
  });
  return parse(filled) as ComposeFile;
}

/** Lines of `NAME=value`. */
export const parseEnvFile = (source: string): Record<string, string> =>
  Object.fromEntries([...source.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = "", value = ""]) => [name, value]));
