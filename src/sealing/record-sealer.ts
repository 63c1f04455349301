import type { KeyObject } from "node:crypto";

import { createNonceSource } from "./nonce-source.ts";
import { createSessionSealer } from "./sealed-record.ts";

/** Seals the gateway's own small records (issued keys, logins, links), each under its name. */
export interface RecordSealer {
  seal(name: string, plaintext: Buffer): Buffer;
  /** @throws GatewayError `record_unreadable` for anything that was not sealed here under the same name */
  open(name: string, sealed: Buffer): Buffer;
}

const MAX_RECORD_BYTES = 1 << 20;

/** Under a key of its own from the root secret, in the format of every sealed record. */
export function createRecordSealer(rootSecret: KeyObject): RecordSealer {
  const sealer = createSessionSealer({
    dataKey: rootSecret,
    identity: { owner: "gateway", key: "records", incarnation: "1" },
    writeNonce: createNonceSource(),
    maxRecordBytes: MAX_RECORD_BYTES,
  });
  return {
    seal: (name, plaintext) => sealer.seal("record", name, plaintext),
    open: (name, sealed) => sealer.open("record", name, sealed),
  };
}
