import { GatewayError } from "../errors/gateway-error.ts";
import { beginSession } from "../turn/session-birth.ts";
import { importSession, type ImportOutcome, type ImportParts, type ImportTarget } from "./import-session.ts";
import { readExport } from "./read-export.ts";
import { splitLines } from "./split-lines.ts";

export interface ImportReport {
  readonly sessions: number;
  readonly turns: number;
  /** Sessions that were left out, by the line that they stand in. */
  readonly skipped: readonly { readonly lineNumber: number; readonly why: Exclude<ImportOutcome, "imported"> }[];
}

/**
 * Reads an export twice: nothing is written before the whole of it has been checked.
 *
 * @param open begins to read the export from its start
 * @throws GatewayError `invalid_request` that names the line; `redaction_failed`, `store_unavailable`: sessions before are
 * imported by then, and are skipped when it is repeated
 */
export async function importUser(
  parts: ImportParts,
  owner: string,
  open: () => AsyncIterable<Buffer>,
): Promise<ImportReport> {
  for await (const session of readExport(splitLines(open()))) void session;
  const target = await openTarget(parts, owner);
  let sessions = 0;
  let turns = 0;
  const skipped: ImportReport["skipped"][number][] = [];
  for await (const session of readExport(splitLines(open()))) {
    const why = await importSession(parts, target, session).catch((error: unknown) => {
      throw atLine(error, session.lineNumber);
    });
    if (why === "imported") {
      sessions += 1;
      turns += session.turns.length;
    } else skipped.push({ lineNumber: session.lineNumber, why });
  }
  return { sessions, turns, skipped };
}

/** An erasure while an import runs ends it: nothing that was read before may come back under a new key. */
async function openTarget(parts: ImportParts, owner: string): Promise<ImportTarget> {
  const { identity, keys } = await beginSession(parts, { owner, key: "import" });
  const proof = keys.seal("record", "import", Buffer.alloc(0));
  return { owner, isStillTheirs: () => parts.sealer.isCurrent(identity, proof) };
}

function atLine(error: unknown, lineNumber: number): unknown {
  if (!(error instanceof GatewayError)) return error;
  return new GatewayError(error.code, `line ${lineNumber}: ${error.message}`, { cause: error });
}
