import { readFile } from "node:fs/promises";

import type { Redis } from "ioredis";

const PAGE = new URL("../../docs/stores/redis.md", import.meta.url);

/** Makes the user that the documentation describes, on this server. */
export async function createDocumentedUser(raw: Redis, prefix: string, password: string): Promise<void> {
  const rules = (await readFile(PAGE, "utf8")).matchAll(/^user stategate (.+)$/gm);
  for (const [, rule = ""] of rules) {
    const words = rule.replace("~stategate:", `~${prefix}`).replace(">PASSWORD", `>${password}`).split(" ");
    await raw.call("ACL", "SETUSER", "stategate", ...words);
  }
}
