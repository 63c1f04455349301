import { hash, hkdfSync, type KeyObject } from "node:crypto";

import { joinParts } from "./join-parts.ts";
import type { HashPurpose, KeyedHash } from "./keyed-hash.ts";

const SUB_KEY_BYTES = 32;

/**
 * SHA-512/256(sub-key ‖ parts), the sub-key by HKDF-SHA-512 from the root secret and the purpose.
 *
 * Setting up an HMAC costs several times a one-shot hash. A hash over a secret prefix is a sound MAC where nobody
 * can extend it: SHA-512/256 (FIPS 180-4 §5.3.6) gives out half of its state, so there is nothing to continue from
 * (Coron et al., "Merkle-Damgård revisited", CRYPTO 2005: the chopped construction). Sub-keys have one length and
 * parts carry theirs, so no two inputs are the same text.
 */
export function createKeyedHash(rootSecret: KeyObject): KeyedHash {
  const subKeys: Readonly<Record<HashPurpose, string>> = {
    tenant: deriveSubKey(rootSecret, "tenant"),
    credential: deriveSubKey(rootSecret, "credential"),
    owner: deriveSubKey(rootSecret, "owner"),
    session: deriveSubKey(rootSecret, "session"),
    successor: deriveSubKey(rootSecret, "successor"),
    binding: deriveSubKey(rootSecret, "binding"),
    fingerprint: deriveSubKey(rootSecret, "fingerprint"),
    placeholder: deriveSubKey(rootSecret, "placeholder"),
    audit: deriveSubKey(rootSecret, "audit"),
    "cache-key": deriveSubKey(rootSecret, "cache-key"),
    "prompt-cache": deriveSubKey(rootSecret, "prompt-cache"),
  };
  return {
    hash: (purpose, ...parts) => hash("sha512-256", subKeys[purpose] + joinParts(parts), "base64url"),
  };
}

/** As text, because one string goes to OpenSSL faster than buffers that must be joined first. */
function deriveSubKey(rootSecret: KeyObject, purpose: HashPurpose): string {
  const bytes = hkdfSync("sha512", rootSecret, "", `stategate/keyed-hash/1/${purpose}`, SUB_KEY_BYTES);
  return Buffer.from(bytes).toString("base64url");
}
