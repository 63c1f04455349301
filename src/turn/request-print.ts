/** By what one request on a session is told from another. */
export interface RequestPrint {
  /** Storage key of the session. */
  readonly sessionKey: string;
  /** SHA-256 of the body. */
  readonly requestHash: string;
  /** Keyed hash of the `Idempotency-Key`. */
  readonly idempotencyHash: string | undefined;
  /** How often the client's SDK says it tried before; `undefined` for one that does not count. */
  readonly tries: number | undefined;
}
