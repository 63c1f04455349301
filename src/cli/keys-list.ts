import { parseArgs } from "node:util";

import { isInForce, type IssuedKey } from "../identity/issued-key.ts";
import { createKeyRegistry } from "../identity/key-registry.ts";
import type { Command } from "./command.ts";
import { withVault } from "./with-vault.ts";

/** One line of JSON for each key, so that a script can read it; none of them can be used. */
export const listKeys: Command = async (context) => {
  parseArgs({ args: [...context.args], options: {} });
  const { clock, stdout } = context;
  await withVault(context, async (vault) => {
    const keys = await createKeyRegistry({ ...vault, clock }).list();
    for (const key of keys) stdout.write(`${JSON.stringify(showKey(key, clock()))}\n`);
  });
};

const day = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());

const showKey = (key: IssuedKey, now: number) => ({
  id: key.id,
  state: isInForce(key, now) ? "active" : key.revokedAt === undefined ? "expired" : "revoked",
  tenant: key.tenant,
  user: key.user ?? null,
  label: key.label,
  created_at: day(key.createdAt),
  expires_at: day(key.expiresAt),
  revoked_at: day(key.revokedAt),
  limits: key.limits ?? {},
});
