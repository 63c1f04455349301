import { parseArgs } from "node:util";

import { rewrapUntilSettled } from "../sealing/rewrap-keys.ts";
import { type Command, CommandError } from "./command.ts";
import { withVault } from "./with-vault.ts";

/** See "Rotating master keys" in docs/security.md. */
export const rotateKeys: Command = async (context) => {
  parseArgs({ args: [...context.args], options: {} });
  await withVault(context, async ({ store, keyring, audit }) => {
    const { primaryId, ids } = keyring;
    const { rewrapped, current, unreadable, isSettled } = await rewrapUntilSettled({
      records: store.records,
      keyring,
      onProgress: (soFar) =>
        void context.stderr.write(`${soFar.rewrapped + soFar.current} keys seen, ${soFar.rewrapped} rewrapped\n`),
    });
    audit.record({ event: "crypt_keys_rotated", counts: { keys: rewrapped } });
    await audit.flush();
    context.stdout.write(`${rewrapped} keys rewrapped, ${current} are now under master key "${primaryId}"\n`);
    for (const [id, count] of unreadable) {
      context.stderr.write(`${count} keys cannot be opened; they name master key "${id}"\n`);
    }
    if (!isSettled) throw new CommandError("a gateway still wraps with an older key: promote, restart, rotate again");
    const spent = ids.filter((id) => id !== primaryId && !unreadable.has(id));
    if (spent.length > 0) context.stdout.write(`no longer needed: ${spent.join(", ")}\n`);
    if (unreadable.size > 0) throw new CommandError("some keys could not be opened and were left as they are");
  });
};
