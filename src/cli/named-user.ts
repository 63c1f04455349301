import type { GatewayConfig } from "../config/gateway-config.ts";
import { isPrintableName } from "../identity/choose-user.ts";
import { namedTenant, ownerOf, tenantOfSecret } from "../identity/namespaces.ts";
import { createTenantBook } from "../identity/tenant-book.ts";
import { openTenantLinks } from "../identity/tenant-links.ts";
import type { Vault } from "../vault.ts";
import { type CommandContext, CommandError } from "./command.ts";

/** How a command names a user: by id, by tenant and user, or by the upstream key on standard input. */
export const userOptions = {
  id: { type: "string" },
  tenant: { type: "string" },
  user: { type: "string" },
} as const;

export interface UserNaming {
  readonly id?: string | undefined;
  readonly tenant?: string | undefined;
  readonly user?: string | undefined;
}

const USER_ID = /^[\w-]{43}$/;

/** @throws CommandError */
export async function namedUser(
  { vault, config }: { vault: Vault; config: GatewayConfig },
  { id, tenant, user = "" }: UserNaming,
  context: CommandContext,
): Promise<string> {
  if (id !== undefined) {
    if (!USER_ID.test(id)) throw new CommandError("--id takes the 43 characters that GET /v1/me shows");
    return id;
  }
  if (user !== "" && !isPrintableName(user)) throw new CommandError("--user takes 1 to 256 printable characters");
  if (tenant === "") throw new CommandError("--tenant is empty");
  if (tenant !== undefined) return ownerOf(vault.keyedHash, namedTenant(vault.keyedHash, tenant), user);
  if (config.identity.mode !== "passthrough") throw new CommandError("--id or --tenant says whose data it is");
  return ownerOf(vault.keyedHash, await tenantOfKey({ vault, config }, context), user);
}

/** Keys come by standard input: arguments are shown to every user of the machine, and kept in histories. */
async function tenantOfKey(
  { vault, config }: { vault: Vault; config: GatewayConfig },
  { readInput, stderr }: CommandContext,
): Promise<string> {
  stderr.write("the user's upstream key, on one line:\n");
  const secret = (await readInput()).trim();
  if (!/^\S+$/.test(secret)) throw new CommandError("expected one key");
  const name = createTenantBook(config.identity.tenants).find(secret);
  if (name !== undefined) return namedTenant(vault.keyedHash, name);
  const own = tenantOfSecret(vault.keyedHash, secret);
  const links = await openTenantLinks({
    records: vault.store.records,
    recordSealer: vault.recordSealer,
    notices: { on: ignore, onMissed: ignore },
    onFailure: ignore,
  });
  return links.find(own) ?? own;
}

const ignore = (): void => undefined;
