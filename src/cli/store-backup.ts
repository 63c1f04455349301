import { parseArgs } from "node:util";

import type { GatewayConfig } from "../config/gateway-config.ts";
import { backUpSqlite } from "../store/sqlite/back-up-sqlite.ts";
import { type Command, CommandError } from "./command.ts";
import { createProgress } from "./progress.ts";

/** See "Backup and restore" in docs/stores/sqlite.md. Needs no master key: what is sealed is copied as it is. */
export const storeBackup: Command = async (context) => {
  const { positionals } = parseArgs({ args: [...context.args], options: {}, allowPositionals: true });
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new CommandError("name one file to write the copy to");
  const config = context.readConfig();
  const path = /^sqlite:(.+)$/is.exec(config.store.address.expose())?.[1];
  if (path === undefined) throw new CommandError("only a SQLite store is backed up here; others bring their own tools");

  const progress = createProgress(context);
  const bytes = await backUpSqlite({ path, file, onProgress: (done) => progress.show("copying", done) }).finally(() =>
    progress.end(),
  );
  context.stdout.write(`${file}: ${(bytes / 1e6).toFixed(1)} MB, checked\n`);
  context.stdout.write(`keep it together with ${masterKeysOf(config)}: without them nobody can read it\n`);
};

function masterKeysOf({ keys: { masterKeys, masterKeyFile, developmentKeyFile } }: GatewayConfig): string {
  return masterKeys ? "the configured master keys" : `the master keys in ${masterKeyFile ?? developmentKeyFile}`;
}
