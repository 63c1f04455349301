import { createHmac, hkdfSync, type KeyObject } from "node:crypto";

import type { NonceSource } from "./nonce-source.ts";
import { createSessionSealer } from "./sealed-record.ts";
import type { AuditSealer } from "./sealer.ts";

interface AuditSealerOptions {
  readonly dataKey: KeyObject;
  readonly owner: string;
  readonly writeNonce: NonceSource;
  readonly maxRecordBytes: number;
}

const KEY_BYTES = 32;

/** Under keys of its own from the user's data key: when that is gone, neither the hash nor the seal can be made again. */
export function createAuditSealer({ dataKey, owner, writeNonce, maxRecordBytes }: AuditSealerOptions): AuditSealer {
  const key = Buffer.from(hkdfSync("sha512", dataKey, "", "stategate/audit-subject/1", KEY_BYTES));
  const identity = { owner, key: "audit", incarnation: "1" };
  const sealer = createSessionSealer({ dataKey, identity, writeNonce, maxRecordBytes });
  return {
    subject: createHmac("sha256", key).update(owner).digest("base64url"),
    seal: (id, plaintext) => sealer.seal("audit", id, plaintext),
    open: (id, sealed) => sealer.open("audit", id, sealed),
  };
}
