import { ConfigError } from "../config/config-error.ts";
import { GatewayError } from "../errors/gateway-error.ts";
import { type CommandContext, type CommandEntry, CommandError } from "./command.ts";

/** Commands for operators, beside the running gateway. One file each, loaded when called. */
export const operatorCommands: readonly CommandEntry[] = [
  {
    words: "estimate",
    does: "say offline what a FILE of your own conversations (- for input) costs --model M with each strategy",
    load: async () => (await import("./estimate.ts")).estimate,
  },
  {
    words: "keys rotate",
    does: "wrap all stored keys anew under the first master key, while gateways run",
    load: async () => (await import("./rotate-keys.ts")).rotateKeys,
  },
  {
    words: "keys issue",
    does: "make a key for --tenant T, with --user U, --label L, --expires 90d, --requests-per-minute N, …",
    load: async () => (await import("./keys-issue.ts")).issueKey,
  },
  {
    words: "keys list",
    does: "show every key that was issued, without the keys themselves",
    load: async () => (await import("./keys-list.ts")).listKeys,
  },
  {
    words: "keys revoke",
    does: "refuse a key from now on, by its id",
    load: async () => (await import("./keys-revoke.ts")).revokeKey,
  },
  {
    words: "tenants relink",
    does: "let a new upstream key find the sessions of an old one; reads both from standard input",
    load: async () => (await import("./tenants-relink.ts")).relinkTenant,
  },
  {
    words: "audit verify",
    does: "check the audit log of the store, of a --file, or a --receipt for changes",
    load: async () => (await import("./audit-verify.ts")).auditVerify,
  },
  {
    words: "audit export",
    does: "print the audit log as JSON Lines",
    load: async () => (await import("./audit-export.ts")).auditExport,
  },
  {
    words: "store migrate",
    does: "bring the schema of the store, or of another ADDRESS, up to this release",
    load: async () => (await import("./store-migrate.ts")).storeMigrate,
  },
  {
    words: "users export",
    does: "write all that is stored of a user (--id ID, --tenant T --user U, or a key on standard input) as JSON Lines",
    load: async () => (await import("./users-export.ts")).exportUserData,
  },
  {
    words: "users import",
    does: "read a file that `users export` wrote back in, for the user named in the same way",
    load: async () => (await import("./users-import.ts")).importUserData,
  },
  {
    words: "users erase",
    does: "destroy a user's key and all that is stored of the user; prints a signed receipt",
    load: async () => (await import("./users-erase.ts")).eraseUserData,
  },
  {
    words: "store backup",
    does: "copy the SQLite file to FILE, as it is at one moment, while gateways run; the copy is checked",
    load: async () => (await import("./store-backup.ts")).storeBackup,
  },
  {
    words: "store copy",
    does: "copy everything FROM one store address TO another (- for a line of input) and compare; may be run again",
    load: async () => (await import("./store-copy.ts")).storeCopy,
  },
];

export const exitCodes = { done: 0, failed: 1, misused: 2 } as const;

type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Resolves to the exit code of the process. What nobody expected rejects: its stack is needed. */
export async function runCommand(commands: readonly CommandEntry[], context: CommandContext): Promise<ExitCode> {
  const { args, stdout, stderr } = context;
  if (args.some((arg) => arg === "--help" || arg === "-h") || args[0] === "help") {
    stdout.write(usageOf(commands));
    return exitCodes.done;
  }
  const entry = commands.find(({ words }) => words.split(" ").every((word, index) => args[index] === word));
  if (!entry) {
    stderr.write(`stategate knows no such command\n\n${usageOf(commands)}`);
    return exitCodes.misused;
  }
  try {
    const run = await entry.load();
    await run({ ...context, args: args.slice(entry.words.split(" ").length) });
    return exitCodes.done;
  } catch (error) {
    if (isMisuse(error)) {
      stderr.write(`stategate ${entry.words}: ${error.message}\n`);
      return exitCodes.misused;
    }
    if (!isExpected(error)) throw error;
    stderr.write(`stategate ${entry.words}: ${error.message}\n`);
    return exitCodes.failed;
  }
}

function usageOf(commands: readonly CommandEntry[]): string {
  const width = Math.max(...commands.map(({ words }) => words.length));
  const lines = commands.map(({ words, does }) => `  ${words.padEnd(width)}   ${does}\n`);
  return `stategate <command>\n\n${lines.join("")}`;
}

/** What `parseArgs` throws for options that a command does not know. */
const isMisuse = (error: unknown): error is Error =>
  error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS_");

const isExpected = (error: unknown): error is Error =>
  error instanceof CommandError || error instanceof GatewayError || error instanceof ConfigError;
