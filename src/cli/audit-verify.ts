import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";

import type { AuditAnchor } from "../audit/audit-entry.ts";
import { decodeRow, rowsInStore } from "../audit/audit-rows.ts";
import { verifyReceipt } from "../audit/receipt.ts";
import { anchorOfLine, type AuditRows, type AuditVerdict, verifyAudit } from "../audit/verify-audit.ts";
import { type Command, type CommandContext, CommandError } from "./command.ts";
import { joinValues } from "./join-values.ts";
import { readLines } from "./read-lines.ts";
import { withVault } from "./with-vault.ts";

const options = {
  file: { type: "string" },
  seen: { type: "string" },
  receipt: { type: "string" },
  "public-key": { type: "string" },
} as const;

/** With `--public-key` a file or a receipt is checked on any machine: neither configuration nor store is touched. */
export const auditVerify: Command = async (context) => {
  const { values } = parseArgs({ args: joinValues(context.args, options), options });
  const publicKey = parsePublicKey(values["public-key"]);
  if (values.receipt !== undefined) return checkReceipt(context, values.receipt, publicKey);
  const seen = values.seen === undefined ? [] : await readSeen(values.seen);
  if (values.file === undefined) {
    return withVault(context, async ({ store, auditSigner }) => {
      await checkRows(context, rowsInStore(store.audit), { publicKey: publicKey ?? auditSigner.publicKey, seen });
    });
  }
  if (publicKey === undefined) throw new CommandError("a file is checked with --public-key; audit verify prints it");
  return checkRows(context, rowsInFile(values.file), { publicKey, seen });
};

async function checkReceipt(context: CommandContext, path: string, publicKey: string | undefined): Promise<void> {
  const receipt = await readReceipt(path);
  const key = publicKey ?? (await withVault(context, async ({ auditSigner }) => auditSigner.publicKey));
  if (!isGenuine(key, receipt)) throw new CommandError(`${path} was not signed with ${key}, or was changed since`);
  context.stdout.write(`the receipt is genuine, signed with ${key}\n`);
}

async function readReceipt(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as unknown;
  } catch (cause) {
    throw new CommandError(`${path} cannot be read as a receipt`, { cause });
  }
}

function isGenuine(publicKey: string, receipt: unknown): boolean {
  try {
    return verifyReceipt(publicKey, receipt);
  } catch (error) {
    if (error instanceof TypeError) throw new CommandError(error.message, { cause: error });
    throw error;
  }
}

async function checkRows(
  { stdout, stderr }: CommandContext,
  rows: AuditRows,
  { publicKey, seen }: { readonly publicKey: string; readonly seen: readonly AuditAnchor[] },
): Promise<void> {
  const verdict = await verifyAudit(rows, { publicKey, seen });
  for (const { chain, sequence, what } of verdict.faults) stderr.write(`chain ${chain}, entry ${sequence}: ${what}\n`);
  stdout.write(summaryOf(verdict, publicKey));
  // Every gateway that ever started left one: an empty log was emptied, or is the wrong one.
  if (verdict.entries === 0) throw new CommandError("there is no entry to check");
  if (verdict.faultCount > 0) throw new CommandError(`${verdict.faultCount} faults: this is not what gateways wrote`);
}

function summaryOf({ chains, entries, missing, unsigned, withoutDetails }: AuditVerdict, publicKey: string): string {
  const lines = [
    `${entries} entries in ${chains} chains, signed with ${publicKey}`,
    missing > 0 && `${missing} more were lost while the store was down; the chains say where`,
    unsigned > 0 && `${unsigned} of them are newer than the last signed head of their chain`,
    withoutDetails > 0 && `the sealed particulars of ${withoutDetails} are no longer there`,
  ];
  return lines.flatMap((line) => (line === false ? [] : [`${line}\n`])).join("");
}

/** Longer than what a turn's line shows of a session's name, which a client chose. */
const FORWARDED = /^\{"v":1,"chain":"[0-9a-f]{32}","sequence":\d+,.*\}$/;

/** The lines of a gateway's standard output, or of a collector; what is no entry of the audit log is passed over. */
async function readSeen(path: string): Promise<AuditAnchor[]> {
  const seen: AuditAnchor[] = [];
  for await (const lines of readLines(path)) {
    for (const { text, number } of lines) {
      if (FORWARDED.test(text)) seen.push(parseLine(anchorOfLine, text, `${path}, line ${number}`));
    }
  }
  return seen;
}

const rowsInFile = (path: string): AuditRows =>
  async function* readAll() {
    for await (const lines of readLines(path)) {
      yield lines.map(({ text, number }) => parseLine(decodeRow, text, `${path}, line ${number}`));
    }
  };

function parseLine<T>(parse: (line: string) => T, text: string, place: string): T {
  try {
    return parse(text);
  } catch (cause) {
    throw new CommandError(`${place}: not a line of the audit log`, { cause });
  }
}

function parsePublicKey(given: string | undefined): string | undefined {
  if (given === undefined || /^[\w-]{43}$/.test(given)) return given;
  throw new CommandError("--public-key takes the 43 characters that audit verify prints");
}
