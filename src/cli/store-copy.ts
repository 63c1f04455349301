import { existsSync } from "node:fs";
import { parseArgs } from "node:util";

import { type Compared, compareStores } from "../moving/compare-stores.ts";
import { type CopyCounts, copyStore } from "../moving/copy-store.ts";
import { findObstacle } from "../moving/find-obstacle.ts";
import { sessionKeys } from "../moving/session-keys.ts";
import { openStore } from "../store/open-store.ts";
import type { StoreBackend } from "../store/store-backend.ts";
import { createLog } from "../telemetry/create-log.ts";
import { type Command, type CommandContext, CommandError } from "./command.ts";
import { createProgress } from "./progress.ts";

/** A session of ten thousand turns may take its time; nobody waits for an answer here. */
const COMMAND_TIMEOUT_MS = 60_000;
const SHOWN_DIFFERENCES = 20;

interface Stores {
  readonly from: StoreBackend;
  readonly to: StoreBackend;
}

/** See docs/stores/copy.md. Needs neither a configuration nor a master key: what is sealed is copied as it is. */
export const storeCopy: Command = async (context) => {
  const [source, target] = await readAddresses(context);
  const from = await open(source, context);
  try {
    const to = await open(target, context);
    try {
      await move({ from, to }, context);
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
};

/** An address with a password comes on standard input, not among arguments that everybody on the machine can see. */
async function readAddresses({ args, readInput }: CommandContext): Promise<readonly [string, string]> {
  const { positionals } = parseArgs({ args: [...args], options: {}, allowPositionals: true });
  const lines = positionals.includes("-") ? (await readInput()).split("\n") : [];
  const [source, target, ...more] = positionals.map((given) => (given === "-" ? (lines.shift() ?? "") : given).trim());
  if (source === undefined || target === undefined || more.length > 0)
    throw new CommandError("name two store addresses: from where, and to where");
  const file = /^sqlite:(.+)$/is.exec(source)?.[1];
  if (file !== undefined && !existsSync(file)) throw new CommandError(`there is no file ${file}`);
  return [source, target];
}

async function open(address: string, { clock }: CommandContext): Promise<StoreBackend> {
  if (address.toLowerCase().startsWith("memory:"))
    throw new CommandError("a memory: store lives inside a gateway's process; nothing beside it can reach it");
  try {
    return await openStore(address, { clock, log: createLog("warn"), commandTimeoutMs: COMMAND_TIMEOUT_MS });
  } catch (error) {
    if (error instanceof TypeError) throw new CommandError(error.message, { cause: error });
    throw error;
  }
}

async function move({ from, to }: Stores, context: CommandContext): Promise<void> {
  const obstacle = await findObstacle(from, to);
  if (obstacle !== undefined) throw new CommandError(obstacle);
  const progress = createProgress(context);
  const total = await countSessions(from);
  const counted = (what: string): (() => void) => {
    let done = 0;
    return () => progress.show(`${what} ${(done += 1)} of ${total} sessions`, Math.min(1, done / total));
  };
  const shown: string[] = [];
  try {
    const copied = await copyStore({ from, to, onSession: counted("copying") });
    const compared = await compareStores({
      from,
      to,
      clock: context.clock,
      onSession: counted("comparing"),
      onDifference: (difference) => shown.length < SHOWN_DIFFERENCES && shown.push(difference),
    });
    progress.end();
    report(context, { copied, compared, shown });
  } finally {
    progress.end();
  }
}

async function countSessions({ sessions }: StoreBackend): Promise<number> {
  let count = 0;
  for await (const _ of sessionKeys(sessions)) count += 1;
  return count;
}

interface Outcome {
  readonly copied: CopyCounts;
  readonly compared: Compared;
  readonly shown: readonly string[];
}

function report({ stdout, stderr }: CommandContext, { copied, compared, shown }: Outcome): void {
  const { sessions, turns, records, auditRows, sessionsThere, removed, contested } = copied;
  stdout.write(`copied ${sessions} sessions with ${turns} turns, ${records} records, ${auditRows} audit entries\n`);
  if (sessionsThere > 0) stdout.write(`${sessionsThere} sessions were there already\n`);
  if (removed > 0) stdout.write(`${removed} sessions and records were removed: the source no longer has them\n`);
  stdout.write(
    `compared ${compared.sessions} sessions, ${compared.records} records, ${compared.auditRows} audit entries\n`,
  );
  for (const difference of shown) stderr.write(`${difference}\n`);
  if (compared.differences > shown.length) stderr.write(`and ${compared.differences - shown.length} more\n`);
  if (contested > 0) throw new CommandError(`${contested} sessions were written in the target by somebody else`);
  if (compared.differences > 0) {
    const places = `the copy differs in ${compared.differences} places`;
    throw new CommandError(`${places}; where gateways wrote meanwhile, stop them and copy again`);
  }
  stdout.write("the copy is the same, byte for byte\n");
}
