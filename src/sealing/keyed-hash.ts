/** Deterministic keyed hashes under keys derived from the root secret; one purpose never collides with another. */
export type HashPurpose =
  | "tenant"
  | "credential"
  | "owner"
  | "session"
  | "successor"
  | "binding"
  | "fingerprint"
  | "placeholder"
  | "audit"
  | "cache-key"
  | "prompt-cache";

export interface KeyedHash {
  /**
   * 256 bits as 43 base64url characters. Parts are length-prefixed, so ("a", "bc") and ("ab", "c") differ.
   */
  hash(purpose: HashPurpose, ...parts: readonly string[]): string;
}
