import type { AuditLog } from "../audit/audit-log.ts";
import type { AuditSigner } from "../audit/audit-signer.ts";
import { signReceipt } from "../audit/receipt.ts";
import type { Clock } from "../kit/clock.ts";
import type { Sealer } from "../sealing/sealer.ts";
import type { StoreBackend } from "../store/store-backend.ts";
import { type ErasureParts } from "./erase-user.ts";
import { erasurePlaces } from "./erasure-places.ts";
import type { ExportParts } from "./export-user.ts";

interface OpenedVault {
  readonly store: StoreBackend;
  readonly sealer: Sealer;
  readonly audit: AuditLog;
  readonly auditSigner: AuditSigner;
}

interface ProcessParts extends Pick<ErasureParts, "forget" | "forgetLimits"> {
  readonly clock: Clock;
}

/** The rights of users over a vault; what the process holds in memory besides is for it to forget. */
export function rightsParts(
  vault: OpenedVault,
  { clock, forget, forgetLimits }: ProcessParts,
): ExportParts & ErasureParts {
  const { store, sealer, audit, auditSigner } = vault;
  const { sessions, records, notices } = store;
  return {
    sessions,
    records,
    notices,
    sealer,
    audit,
    clock,
    forget,
    forgetLimits,
    places: erasurePlaces(sessions, records),
    sign: (receipt) => signReceipt(auditSigner, receipt),
  };
}
