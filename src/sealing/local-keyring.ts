import { createCipheriv, createDecipheriv, createSecretKey, hash, type KeyObject } from "node:crypto";

import { GatewayError } from "../errors/gateway-error.ts";
import type { Keyring } from "./keyring.ts";
import { ID_RULE, isKeyId, LENGTH_RULE, MASTER_KEY_BYTES, type MasterKey } from "./master-keys.ts";

// Wrapped key: version u8 = 1 | length of the key id u8 | key id | AES-256-KWP (RFC 5649) of key ‖ SHA-256(name).
// KWP takes no associated data, so the name travels inside it.
const VERSION = 1;
const CIPHER = "id-aes256-wrap-pad";
const KWP_INITIAL_VALUE = Buffer.from("a65959a6", "hex");
const NAME_HASH_BYTES = 32;

const DAMAGED = "a wrapped key in the store is damaged, or was wrapped for something else";

/**
 * Master keys that this process holds: the first wraps, all of them unwrap.
 * @throws TypeError without a key, for an odd or repeated id, or for a key that is not 256 bits
 */
export function createLocalKeyring(masterKeys: readonly MasterKey[]): Keyring {
  masterKeys.forEach(({ id, key }, index) => {
    if (!isKeyId(id)) throw new TypeError(`master key ${index + 1}: ${ID_RULE}`);
    if (key.symmetricKeySize !== MASTER_KEY_BYTES) throw new TypeError(`master key ${index + 1}: ${LENGTH_RULE}`);
  });
  const keys = new Map(masterKeys.map(({ id, key }) => [id, key]));
  if (keys.size < masterKeys.length) throw new TypeError("two master keys have the same id");
  const [primary] = masterKeys;
  if (!primary) throw new TypeError("a keyring needs at least one master key");
  const header = Buffer.concat([Buffer.of(VERSION, primary.id.length), Buffer.from(primary.id)]);

  return {
    primaryId: primary.id,
    ids: [...keys.keys()],
    idOf: (wrapped) => splitWrapped(wrapped).id,
    async wrap(name, key) {
      return Buffer.concat([header, encrypt(primary.key, Buffer.concat([key.export(), hashName(name)]))]);
    },
    async unwrap(name, wrapped) {
      const { id, body } = splitWrapped(wrapped);
      const masterKey = keys.get(id);
      if (!masterKey) throw unreadable(`master key "${id}" is not configured, and a stored key is wrapped with it`);
      const plaintext = decrypt(masterKey, id, body);
      if (!plaintext.subarray(-NAME_HASH_BYTES).equals(hashName(name))) throw unreadable(DAMAGED);
      const key = createSecretKey(plaintext.subarray(0, -NAME_HASH_BYTES));
      plaintext.fill(0);
      return key;
    },
  };
}

function splitWrapped(wrapped: Buffer): { id: string; body: Buffer } {
  const bodyStart = 2 + (wrapped[1] ?? 0);
  const id = wrapped.toString("latin1", 2, bodyStart);
  // The id goes into an error message, so nothing but an id may pass.
  if (wrapped[0] !== VERSION || wrapped.length <= bodyStart || !isKeyId(id)) throw unreadable(DAMAGED);
  return { id, body: wrapped.subarray(bodyStart) };
}

function encrypt(masterKey: KeyObject, plaintext: Buffer): Buffer {
  const cipher = createCipheriv(CIPHER, masterKey, KWP_INITIAL_VALUE);
  const body = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  plaintext.fill(0);
  return body;
}

function decrypt(masterKey: KeyObject, id: string, body: Buffer): Buffer {
  try {
    const decipher = createDecipheriv(CIPHER, masterKey, KWP_INITIAL_VALUE);
    return Buffer.concat([decipher.update(body), decipher.final()]);
  } catch (cause) {
    throw unreadable(`a stored key says that master key "${id}" wrapped it, but that key does not open it`, cause);
  }
}

const hashName = (name: string): Buffer => hash("sha256", name, "buffer");

const unreadable = (message: string, cause?: unknown): GatewayError =>
  new GatewayError("record_unreadable", message, { cause });
