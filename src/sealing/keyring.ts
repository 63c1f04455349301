import { createCipheriv, createDecipheriv, createSecretKey, hash, type KeyObject } from "node:crypto";

import { GatewayError } from "../errors/gateway-error.ts";

export const MASTER_KEY_BYTES = 32;

export interface MasterKey {
  /** 1 to 64 of `A-Z a-z 0-9 . _ -`; stored in clear beside everything the key wraps. */
  readonly id: string;
  readonly key: KeyObject;
}

/** The master keys: the first wraps, all of them unwrap. */
export interface Keyring {
  /** The result opens under the same name only: keys that were swapped in the store are refused. */
  wrap(name: string, key: KeyObject): Buffer;
  /**
   * @throws GatewayError `record_unreadable` when the master key is missing (its id is named), or when the bytes
   * were damaged or wrapped under another name
   */
  unwrap(name: string, wrapped: Buffer): KeyObject;
}

// Wrapped key: version u8 = 1 | length of the key id u8 | key id | AES-256-KWP (RFC 5649) of key ‖ SHA-256(name).
// KWP takes no associated data, so the name travels inside it.
const VERSION = 1;
const CIPHER = "id-aes256-wrap-pad";
const KWP_INITIAL_VALUE = Buffer.from("a65959a6", "hex");
const NAME_HASH_BYTES = 32;
const KEY_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** @throws TypeError without a key, for an odd or repeated id, or for a key that is not 256 bits */
export function createKeyring(masterKeys: readonly MasterKey[]): Keyring {
  masterKeys.forEach(({ id, key }, index) => {
    if (!KEY_ID.test(id)) throw new TypeError(`master key ${index + 1}: ${ID_RULE}`);
    if (key.symmetricKeySize !== MASTER_KEY_BYTES) throw new TypeError(`master key ${index + 1}: ${LENGTH_RULE}`);
  });
  const keys = new Map(masterKeys.map(({ id, key }) => [id, key]));
  if (keys.size < masterKeys.length) throw new TypeError("two master keys have the same id");
  const [primary] = masterKeys;
  if (!primary) throw new TypeError("a keyring needs at least one master key");
  const header = Buffer.concat([Buffer.of(VERSION, primary.id.length), Buffer.from(primary.id)]);

  return {
    wrap: (name, key) => Buffer.concat([header, encrypt(primary.key, Buffer.concat([key.export(), hashName(name)]))]),
    unwrap(name, wrapped) {
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

/**
 * Reads `id:base64,id:base64`. Mistakes are named by position: what looks like an id may be a key in the wrong place.
 * @throws TypeError for anything but distinct ids with 32 bytes each
 */
export function parseMasterKeys(text: string): MasterKey[] {
  const seen = new Set<string>();
  return text.split(",").map((entry, index) => {
    const refuse = (why: string): TypeError => new TypeError(`master key ${index + 1}: ${why}`);
    const [id = "", encoded, ...rest] = entry.trim().split(":");
    if (encoded === undefined || rest.length > 0) throw refuse("write it as id:base64");
    if (!KEY_ID.test(id)) throw refuse(ID_RULE);
    if (seen.has(id)) throw refuse("an earlier key has the same id");
    const bytes = decodeBase64(encoded);
    if (!bytes) throw refuse("the part after the colon is not base64");
    if (bytes.length !== MASTER_KEY_BYTES) throw refuse(`${LENGTH_RULE}, it has ${bytes.length} bytes`);
    seen.add(id);
    return { id, key: createSecretKey(bytes) };
  });
}

const ID_RULE = "the id must be 1 to 64 letters, digits, dots, dashes or underscores";
const LENGTH_RULE = "the key must have 32 bytes";
const DAMAGED = "a wrapped key in the store is damaged, or was wrapped for something else";

/** `Buffer.from` skips what is not base64; a master key with a typing mistake must not become another key. */
function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  const spellings = [bytes.toString("base64"), bytes.toString("base64url")];
  return spellings.some((spelling) => withoutPadding(spelling) === withoutPadding(text)) ? bytes : undefined;
}

const withoutPadding = (base64: string): string => base64.replace(/={1,2}$/, "");

function splitWrapped(wrapped: Buffer): { id: string; body: Buffer } {
  const bodyStart = 2 + (wrapped[1] ?? 0);
  const id = wrapped.toString("latin1", 2, bodyStart);
  // The id goes into an error message, so nothing but an id may pass.
  if (wrapped[0] !== VERSION || wrapped.length <= bodyStart || !KEY_ID.test(id)) throw unreadable(DAMAGED);
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
