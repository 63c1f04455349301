import { readFile } from "node:fs/promises";

import { ConfigError } from "./config-error.ts";

/**
 * The JSON of a price file, whose shape `createPriceList` judges.
 *
 * @throws ConfigError for a file that cannot be read or is no JSON
 */
export async function readPriceDocument(path: string): Promise<unknown> {
  const refuse = (why: string) => (): never => {
    throw new ConfigError([{ path: "prices.file", message: `${path} ${why}` }]);
  };
  const text = await readFile(path, "utf8").catch(refuse("cannot be read"));
  try {
    return JSON.parse(text);
  } catch {
    return refuse("is not JSON")();
  }
}
