import { parseArgs } from "node:util";

import { encodeRow, rowsInStore } from "../audit/audit-rows.ts";
import type { Command } from "./command.ts";
import { withVault } from "./with-vault.ts";

/** One JSON line per entry; the export itself is on record before its first line. */
export const auditExport: Command = async (context) => {
  parseArgs({ args: [...context.args], options: {} });
  await withVault(context, async ({ audit, auditSigner, store }) => {
    audit.record({ event: "sensitive_read", reason: "audit_export" });
    await audit.flush();
    let entries = 0;
    for await (const rows of rowsInStore(store.audit)()) {
      context.stdout.write(rows.map((row) => `${encodeRow(row)}\n`).join(""));
      entries += rows.length;
    }
    context.stderr.write(`${entries} entries; they are checked with --public-key ${auditSigner.publicKey}\n`);
  });
};
