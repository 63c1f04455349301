import { parseArgs } from "node:util";

import { rewrapKeys, type RewrapReport } from "../sealing/rewrap-keys.ts";
import type { Vault } from "../vault.ts";
import { type Command, CommandError } from "./command.ts";
import { withVault } from "./with-vault.ts";

/** A pass that finds nothing to do proves that nobody wraps with an older key any more. */
const MAX_PASSES = 3;

export const rotateKeys: Command = async (context) => {
  parseArgs({ args: [...context.args], options: {} });
  await withVault(context, async (vault) => {
    const { keyring } = vault;
    const { rewrapped, last, isSettled } = await rewrapAll(vault, (line) => context.stderr.write(line));
    context.stdout.write(
      `${rewrapped} keys rewrapped, ${last.current} are now under master key "${keyring.primaryId}"\n`,
    );
    vault.audit.record({ event: "crypt_keys_rotated", counts: { keys: rewrapped } });
    await vault.audit.flush();
    for (const [id, count] of last.unreadable) {
      context.stderr.write(`${count} keys cannot be opened; they name master key "${id}"\n`);
    }
    if (!isSettled) throw new CommandError("a gateway still wraps with an older key: promote, restart, rotate again");
    const spent = keyring.ids.filter((id) => id !== keyring.primaryId && !last.unreadable.has(id));
    context.stdout.write(
      spent.length === 0 ? "no other master key is configured\n" : `no longer needed: ${spent.join(", ")}\n`,
    );
    if (last.unreadable.size > 0) throw new CommandError("some keys could not be opened and were left as they are");
  });
};

async function rewrapAll({ store, keyring }: Vault, write: (line: string) => void) {
  let rewrapped = 0;
  let last: RewrapReport;
  let passes = 0;
  do {
    last = await rewrapKeys({
      records: store.records,
      keyring,
      onProgress: (soFar) => write(`${soFar.rewrapped + soFar.current} keys seen, ${soFar.rewrapped} rewrapped\n`),
    });
    rewrapped += last.rewrapped;
    passes += 1;
  } while (last.rewrapped > 0 && passes < MAX_PASSES);
  return { rewrapped, last, isSettled: last.rewrapped === 0 };
}
