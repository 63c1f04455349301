import type { AuditLog } from "../../src/audit/audit-log.ts";

/** For parts that are tried without a log. */
export const noAuditLog: AuditLog = {
  record: () => undefined,
  flush: async () => undefined,
  close: async () => undefined,
};
