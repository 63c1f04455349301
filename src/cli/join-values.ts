import type { ParseArgsConfig } from "node:util";

type Options = NonNullable<ParseArgsConfig["options"]>;

/**
 * `--name value` as `--name=value`. A value may then begin with a dash, which `parseArgs` refuses in the first form:
 * one public key or user id in 64 does, and is copied from what was printed. Only another option of the same command
 * is never taken for a value.
 */
export function joinValues(args: readonly string[], options: Options): string[] {
  const end = args.indexOf("--");
  const own = end === -1 ? args : args.slice(0, end);
  const joined: string[] = [];
  for (let index = 0; index < own.length; index += 1) {
    const arg = own[index] ?? "";
    const value = own[index + 1];
    const takesIt = value !== undefined && takesValue(arg, options) && !isOption(value, options);
    joined.push(takesIt ? `${arg}=${value}` : arg);
    if (takesIt) index += 1;
  }
  return [...joined, ...args.slice(own.length)];
}

const takesValue = (arg: string, options: Options): boolean =>
  isOption(arg, options) && options[arg.slice(2)]?.type === "string";

const isOption = (arg: string, options: Options): boolean =>
  arg.startsWith("--") && Object.hasOwn(options, arg.slice(2).replace(/=.*$/s, ""));
