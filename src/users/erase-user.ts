import { randomUUID } from "node:crypto";

import type { AuditLog } from "../audit/audit-log.ts";
import type { ReceiptFields, SignedReceipt } from "../audit/receipt.ts";
import type { Clock } from "../kit/clock.ts";
import { DATA_KEY_PREFIX } from "../sealing/data-keys.ts";
import type { NoticeStore } from "../store/notice-store.ts";
import type { RecordStore } from "../store/record-store.ts";
import type { ErasurePlace } from "./erasure-places.ts";

/** Heard by every replica, which then drops what it holds of the user named. */
export const ERASED_NOTICE = "erased";

export interface ErasureParts {
  readonly records: RecordStore;
  readonly notices: NoticeStore;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly places: readonly ErasurePlace[];
  /** Drops what this replica holds of the user in memory. */
  readonly forget: (owner: string) => void;
  /** Forgets what the user used of his limits, here and in the store; undefined where nothing counts. */
  readonly forgetLimits: (owner: string) => Promise<void>;
  readonly sign: (receipt: ReceiptFields) => SignedReceipt;
}

/**
 * Removes everything stored of a user, the key first: from then on nothing of it can be read, whatever follows fails or
 * lies in a backup. A turn that runs cannot write back: onto an existing session it conflicts, and one that begins a
 * session finds its key gone (`turn/session-birth.ts`). The same user may begin anew at any time, under a new key.
 *
 * A step that fails rejects, and no receipt is given; the call may be repeated until one is.
 * @throws GatewayError `store_unavailable`
 */
export async function eraseUser(parts: ErasureParts, owner: string): Promise<SignedReceipt> {
  const { records, notices, places, forget } = parts;
  const hadKey = await records.remove(DATA_KEY_PREFIX + owner);
  await notices.post(`${ERASED_NOTICE} ${owner}`);
  forget(owner);
  const counts: Record<string, number> = { data_keys: hadKey ? 1 : 0 };
  for (const { name, remove } of places) counts[name] = await remove(owner);
  await parts.forgetLimits(owner);
  // Again: what a turn that ran put back while the rows went.
  forget(owner);
  return conclude(parts, owner, counts);
}

async function conclude(
  { audit, clock, sign }: ErasureParts,
  owner: string,
  counts: Readonly<Record<string, number>>,
): Promise<SignedReceipt> {
  // Without the owner: the key that could tie an entry to him is gone. The receipt ties itself to the entry.
  audit.record({ event: "sensitive_delete", reason: "erasure", counts });
  const place = await audit.flush();
  return sign({
    object: "erasure.receipt",
    id: randomUUID(),
    erased_at: new Date(clock()).toISOString(),
    user: owner,
    counts,
    audit: place ? { chain: place.chain, sequence: place.sequence } : null,
  });
}
