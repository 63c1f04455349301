import type { KeyedHash } from "../sealing/keyed-hash.ts";
import { canonicalValue } from "./canonical-value.ts";
import type { PlaceholderNamer } from "./redactor.ts";

/** Names values by a keyed hash within one session: nobody without the key can guess a value from its placeholder. */
export function placeholderNamer(keyedHash: KeyedHash, sessionScope: string): PlaceholderNamer {
  return (type, value) => {
    const hash = keyedHash.hash("placeholder", sessionScope, type, canonicalValue(type, value));
    return `[${type}_${Buffer.from(hash, "base64url").toString("hex").slice(0, 8)}]`;
  };
}
