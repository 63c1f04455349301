import { parseArgs } from "node:util";

import { createKeyRegistry } from "../identity/key-registry.ts";
import { type Command, CommandError } from "./command.ts";
import { withVault } from "./with-vault.ts";

export const revokeKey: Command = async (context) => {
  const { positionals } = parseArgs({ args: [...context.args], options: {}, allowPositionals: true });
  const [id, ...more] = positionals;
  if (id === undefined || more.length > 0) throw new CommandError("name one key by its id, such as key_1a2b3c4d5e6f");
  await withVault(context, async (vault) => {
    const registry = createKeyRegistry({ ...vault, clock: context.clock });
    if (!(await registry.revoke(id))) throw new CommandError(`no key has the id ${id}; see stategate keys list`);
    vault.audit.record({ event: "authn_token_revoked", counts: { keys: 1 } });
  });
  context.stdout.write(`${id} is revoked; every replica refuses it within 5 seconds\n`);
};
