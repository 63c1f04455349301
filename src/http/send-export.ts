import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import type { AuditLog } from "../audit/audit-log.ts";
import type { UserRights } from "../users/user-rights.ts";

interface ExportAnswer {
  readonly rights: UserRights;
  readonly audit: AuditLog;
  readonly client: ServerResponse;
  readonly requestId: string;
}

/**
 * Streams an export as the client takes it. What breaks it off on the way cuts the connection: without its last line an
 * export is not whole.
 *
 * @throws GatewayError while nothing has been sent
 */
export async function sendExport(
  { rights, audit, client, requestId }: ExportAnswer,
  owner: string,
  address: string,
): Promise<void> {
  const counts = { sessions: 0, turns: 0, problems: 0 };
  const lines = rights.export(owner, counts);
  const header = await lines.next();
  try {
    client.writeHead(200, {
      "content-type": "application/jsonl; charset=utf-8",
      "content-disposition": 'attachment; filename="export.jsonl"',
      "x-request-id": requestId,
    });
    client.write(header.value ?? "");
    await pipeline(Readable.from(lines, { objectMode: false }), client);
  } catch {
    client.destroy();
  } finally {
    // Also of one that broke off: what was read has been read.
    audit.record({ event: "sensitive_read", owner, address, counts: { ...counts }, reason: "export" });
  }
}
