/**
 * Where wrapped keys rest: the root secret and one data key per user. Names are opaque.
 * Every method rejects with GatewayError `store_unavailable` when the backend cannot answer.
 */
export interface KeyStore {
  /** `undefined` when nothing was ever written under the name. */
  read(name: string): Promise<Buffer | undefined>;
  /** Writes if nothing is there, durably, and resolves to what is there now: of two racing writers both get the winner's. */
  putIfAbsent(name: string, bytes: Buffer): Promise<Buffer>;
}
