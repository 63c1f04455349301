import { parseArgs } from "node:util";

import { tenantOfSecret } from "../identity/namespaces.ts";
import { linkTenant } from "../identity/tenant-links.ts";
import { type Command, CommandError } from "./command.ts";
import { withVault } from "./with-vault.ts";

/** Keys come by standard input: arguments are shown to every user of the machine, and kept in histories. */
export const relinkTenant: Command = async (context) => {
  parseArgs({ args: [...context.args], options: {} });
  context.stderr.write("the old key on the first line, the new one on the second:\n");
  const [from = "", to = "", ...more] = (await context.readInput()).trim().split(/\s+/);
  if (from === "" || to === "" || more.length > 0) throw new CommandError("expected two keys, one on each line");
  if (from === to) throw new CommandError("both keys are the same");
  await withVault(context, async ({ store, recordSealer, keyedHash, audit }, config) => {
    if (config.identity.mode !== "passthrough") {
      throw new CommandError("only in identity.mode passthrough is a tenant known by its key");
    }
    const { records, notices } = store;
    const move = { from: tenantOfSecret(keyedHash, from), to: tenantOfSecret(keyedHash, to) };
    await linkTenant({ records, notices, recordSealer }, move);
    audit.record({ event: "privilege_permissions_changed", reason: "tenant_relinked" });
  });
  context.stdout.write("the new key finds the sessions of the old one; replicas know it in a second or two\n");
};
