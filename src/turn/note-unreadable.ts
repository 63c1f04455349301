import type { AuditLog } from "../audit/audit-log.ts";
import { hasCode } from "../errors/gateway-error.ts";

/** For `catch`: tells the audit log of what could not be opened, and lets the refusal go on to the caller. */
export const noteUnreadable =
  (audit: AuditLog, owner: string) =>
  (error: unknown): never => {
    if (hasCode(error, "record_unreadable")) {
      audit.record({ event: "crypt_decrypt_fail", owner });
    }
    throw error;
  };
