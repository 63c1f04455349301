import { parseArgs } from "node:util";

import { exportUser, noCounts } from "../users/export-user.ts";
import type { Command } from "./command.ts";
import { joinValues } from "./join-values.ts";
import { namedUser, userOptions } from "./named-user.ts";
import { withVault } from "./with-vault.ts";

/** One line after another to standard output, which takes each before the next is read. */
export const exportUserData: Command = async (context) => {
  const { values } = parseArgs({ args: joinValues(context.args, userOptions), options: userOptions });
  await withVault(context, async (vault, config) => {
    const owner = await namedUser({ vault, config }, values, context);
    const counts = noCounts();
    const parts = { sessions: vault.store.sessions, sealer: vault.sealer, clock: context.clock };
    try {
      for await (const line of exportUser(parts, owner, counts)) context.stdout.write(line.toString("utf8"));
    } finally {
      vault.audit.record({ event: "sensitive_read", owner, reason: "export", counts: { ...counts } });
    }
    context.stderr.write(`${counts.sessions} sessions, ${counts.turns} turns, ${counts.problems} problems\n`);
  });
};
