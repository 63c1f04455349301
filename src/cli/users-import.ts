import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";

import type { GatewayConfig } from "../config/gateway-config.ts";
import { createRedactor } from "../redaction/create-redactor.ts";
import { placeholderNamer } from "../redaction/placeholder-namer.ts";
import { createLog } from "../telemetry/create-log.ts";
import { openTokenCounters } from "../tokens/open-token-counters.ts";
import { createImportParts } from "../users/import-parts.ts";
import type { ImportOutcome, ImportParts } from "../users/import-session.ts";
import { importUser } from "../users/import-user.ts";
import type { Vault } from "../vault.ts";
import { type Command, type CommandContext, CommandError } from "./command.ts";
import { joinValues } from "./join-values.ts";
import { namedUser, userOptions } from "./named-user.ts";
import { withVault } from "./with-vault.ts";

/** What is told of a session that was left out. */
const reasons: Readonly<Record<Exclude<ImportOutcome, "imported">, string>> = {
  exists: "a session with this id exists, and stays as it is",
  expired: "its time is over",
  not_whole: "the export says that it could not be read whole",
  changed_meanwhile: "it was changed or removed while it was imported",
  erased_meanwhile: "its user was erased meanwhile",
};

export const importUserData: Command = async (context) => {
  const { values, positionals } = parseArgs({
    args: joinValues(context.args, userOptions),
    options: userOptions,
    allowPositionals: true,
  });
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new CommandError("name one file to import");
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile()) throw new CommandError("there is no such file");
  await withVault(context, async (vault, config) => {
    const owner = await namedUser({ vault, config }, values, context);
    const parts = await importParts({ vault, config }, context);
    const { sessions, turns, skipped } = await importUser(parts, owner, () => createReadStream(file));
    const counts = { sessions, turns, skipped: skipped.length };
    vault.audit.record({ event: "sensitive_create", owner, reason: "import", counts });
    for (const { lineNumber, why } of skipped) context.stderr.write(`line ${lineNumber}: ${reasons[why]}\n`);
    context.stdout.write(`${sessions} sessions with ${turns} turns imported, ${skipped.length} left out\n`);
  });
};

async function importParts(
  { vault, config }: { vault: Vault; config: GatewayConfig },
  { clock }: CommandContext,
): Promise<ImportParts> {
  const { redaction, keys, log } = config;
  const counters = openTokenCounters({
    cacheDirectory: join(dirname(keys.developmentKeyFile), "cache"),
    log: createLog(log.level),
  });
  await counters.ready;
  return createImportParts({
    ...vault,
    sessions: vault.store.sessions,
    records: vault.store.records,
    clock,
    redactor: redaction.mode === "off" ? undefined : createRedactor(redaction),
    placeholders: (sessionKey) => placeholderNamer(vault.keyedHash, sessionKey),
    counter: counters.forModel(""),
    maxLifeMs: config.sessions.absoluteSeconds * 1_000,
    keepsWithheld: redaction.mode === "upstream" || redaction.restore === "session",
  });
}
