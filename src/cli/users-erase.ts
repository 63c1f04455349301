import { parseArgs } from "node:util";

import { forgetAccount } from "../limits/account.ts";
import { rightsParts } from "../users/rights-parts.ts";
import { createUserRights } from "../users/user-rights.ts";
import type { Command } from "./command.ts";
import { joinValues } from "./join-values.ts";
import { namedUser, userOptions } from "./named-user.ts";
import { withVault } from "./with-vault.ts";

/** The receipt goes to standard output. Running gateways hear of it and drop what they hold. */
export const eraseUserData: Command = async (context) => {
  const { values } = parseArgs({ args: joinValues(context.args, userOptions), options: userOptions });
  await withVault(context, async (vault, config) => {
    const owner = await namedUser({ vault, config }, values, context);
    const forget = (erased: string): void => vault.sealer.forget(erased);
    const rights = createUserRights(
      rightsParts(vault, {
        clock: context.clock,
        forget,
        forgetLimits: (owner) => forgetAccount(vault.store.quotas, owner),
      }),
    );
    const { receipt, publicKey, signature } = await rights.erase(owner);
    context.stdout.write(`${JSON.stringify({ receipt, public_key: publicKey, signature })}\n`);
  });
};
