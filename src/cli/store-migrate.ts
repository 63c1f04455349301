import { parseArgs } from "node:util";

import { migrateStore } from "../store/migrate-store.ts";
import { type Command, CommandError } from "./command.ts";

/** The configured store, or the one of an address: an operator's, with rights that the gateway's own has not. */
export const storeMigrate: Command = async ({ args, readConfig, stdout }) => {
  const { positionals } = parseArgs({ args: [...args], options: {}, allowPositionals: true });
  if (positionals.length > 1) throw new CommandError("takes one ADDRESS, or none for the configured store");
  const done = await migrate(positionals[0] ?? readConfig().store.address.expose());
  for (const name of done) stdout.write(`done: ${name}\n`);
  if (done.length === 0) stdout.write("nothing to do: the store is as this release needs it\n");
};

async function migrate(address: string): Promise<readonly string[]> {
  try {
    return await migrateStore(address);
  } catch (error) {
    if (error instanceof TypeError) throw new CommandError(error.message, { cause: error });
    throw error;
  }
}
