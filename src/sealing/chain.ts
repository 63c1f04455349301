import { hash } from "node:crypto";

import { joinParts } from "./join-parts.ts";
import { recordTag } from "./sealed-record.ts";

/**
 * The chain after one more turn; "" is the chain of no turns. Kept in the sealed head, it shows that a turn was
 * removed, added, reordered or swapped. 43 base64url characters.
 * @throws GatewayError `record_unreadable` for bytes too short to be a sealed record
 */
export function foldRecordChain(previous: string, turnId: string, sealed: Buffer): string {
  return hash("sha256", joinParts([previous, turnId, recordTag(sealed)]), "base64url");
}
