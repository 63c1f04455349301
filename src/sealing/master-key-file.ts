import { open } from "node:fs/promises";

import { GatewayError } from "../errors/gateway-error.ts";
import { type MasterKey, parseMasterKeys } from "./master-keys.ts";

const GROUP_AND_OTHERS = 0o077;

/**
 * Keys by comma or by line; `#` begins a comment, empty lines are skipped. `undefined` when there is no such file.
 * @throws GatewayError `record_unreadable` when the file cannot be read, when others than its owner may read it, or when
 * it does not hold keys
 */
export async function readMasterKeyFile(path: string): Promise<MasterKey[] | undefined> {
  const text = await readOwnFile(path);
  if (text === undefined) return undefined;
  try {
    return parseMasterKeys(withoutComments(text));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new GatewayError("record_unreadable", `the key file ${path} is damaged: ${error.message}`, { cause: error });
  }
}

/** The file of an operator, who said where it is: that it is missing is a mistake. */
export async function readConfiguredKeyFile(path: string): Promise<MasterKey[]> {
  const keys = await readMasterKeyFile(path);
  if (!keys) throw new GatewayError("record_unreadable", `there is no key file ${path}`);
  return keys;
}

async function readOwnFile(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, "r");
    try {
      const { mode } = await file.stat();
      // Windows has no such bits and reports 0666.
      if (process.platform !== "win32" && (mode & GROUP_AND_OTHERS) !== 0) {
        throw new GatewayError("record_unreadable", `others may read the key file ${path}: run chmod 600 on it`);
      }
      return await file.readFile("utf8");
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause) || cause instanceof GatewayError) throw cause;
    if (cause.code === "ENOENT") return undefined;
    throw new GatewayError("record_unreadable", `the key file ${path} cannot be read: ${String(cause.code)}`, {
      cause,
    });
  }
}

/** No key and no id holds a `#`. A line may end with the comma that would part it from a key beside it. */
const withoutComments = (text: string): string =>
  text
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim().replace(/,$/, ""))
    .filter((line) => line !== "")
    .join(",");
