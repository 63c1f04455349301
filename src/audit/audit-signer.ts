import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject, sign, verify } from "node:crypto";

/** Signs heads of audit chains, and receipts. Every replica of one store signs with the same key. */
export interface AuditSigner {
  /** The Ed25519 public key, 43 base64url characters: what an auditor keeps to check with. */
  readonly publicKey: string;
  sign(text: Buffer): string;
}

const SEED_BYTES = 32;
/** RFC 8410: what stands before the 32 bytes of an Ed25519 key in PKCS #8 and in SubjectPublicKeyInfo. */
const PRIVATE_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const PUBLIC_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

export function createAuditSigner(rootSecret: KeyObject): AuditSigner {
  const seed = Buffer.from(hkdfSync("sha512", rootSecret, "", "stategate/audit-signature/1", SEED_BYTES));
  const key = createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: "der", type: "pkcs8" });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return {
    publicKey: spki.subarray(PUBLIC_PREFIX.length).toString("base64url"),
    sign: (text) => sign(null, text, key).toString("base64url"),
  };
}

/** @throws TypeError for what is not an Ed25519 public key of 43 base64url characters */
export function createSignatureCheck(publicKey: string): (text: Buffer, signature: string) => boolean {
  if (!/^[\w-]{43}$/.test(publicKey)) throw new TypeError("a public key has 43 base64url characters");
  const der = Buffer.concat([PUBLIC_PREFIX, Buffer.from(publicKey, "base64url")]);
  const key = createPublicKey({ key: der, format: "der", type: "spki" });
  return (text, signature) => {
    const bytes = Buffer.from(signature, "base64url");
    // Base64 has spare bits: of all spellings of a signature only one is taken.
    return bytes.toString("base64url") === signature && verify(null, text, key, bytes);
  };
}
