import type { KeyObject } from "node:crypto";

/**
 * What wraps the keys in the store: master keys at hand, or a key service that never gives its own away. One of its keys
 * wraps, all of them unwrap. Every method that speaks to a service rejects with GatewayError `store_unavailable` while
 * the service cannot answer.
 */
export interface Keyring {
  /** The id of the key that wraps. */
  readonly primaryId: string;
  /** The ids of all keys that unwrap, the primary's first. */
  readonly ids: readonly string[];
  /** The result opens under the same name only: keys that were swapped in the store are refused. */
  wrap(name: string, key: KeyObject): Promise<Buffer>;
  /**
   * @throws GatewayError `record_unreadable` when the master key is missing (its id is named), or when the bytes
   * were damaged or wrapped under another name
   */
  unwrap(name: string, wrapped: Buffer): Promise<KeyObject>;
  /**
   * The id of the key that wrapped these bytes, by what they say: nothing is opened and nothing proved.
   * @throws GatewayError `record_unreadable` for bytes that no keyring wrote
   */
  idOf(wrapped: Buffer): string;
}
