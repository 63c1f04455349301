import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from "node:crypto";

import { GatewayError } from "../errors/gateway-error.ts";
import { ownText } from "../kit/own-bytes.ts";
import { joinParts } from "./join-parts.ts";
import { NONCE_BYTES, type NonceSource } from "./nonce-source.ts";
import type { RecordKind, SessionIdentity, SessionSealer } from "./sealer.ts";

// A sealed record, version 1, suite 1:
//
//   "SG" | version u8 | suite u8 | nonce 12 | commitment 32 | ciphertext | tag 16
//
//   session key ‖ commitment = HKDF-SHA-512(data key, no salt, parts("stategate/session/1", owner, key, incarnation), 64)
//   ciphertext, tag          = AES-256-GCM(session key, nonce, plaintext, additional data)
//   additional data          = parts("1.1", owner, key, incarnation, kind, id)
//   parts(a, b, …)           = joinParts: each part with its length in front
//
// The additional data names no position, which is unknown when a turn is sealed; the head's chain holds the order.
// GCM alone does not commit: one ciphertext can be made to open under two keys (Dodis et al., "Fast Message Franking",
// CRYPTO 2018), so the commitment is compared first. Nonces are random: up to 2^32 records a key (NIST SP 800-38D §8.3),
// and a key serves one life of one session.
const HEADER = Buffer.from([0x53, 0x47, 1, 1]);
const NONCE_START = HEADER.length;
const COMMITMENT_START = NONCE_START + NONCE_BYTES;
const COMMITMENT_BYTES = 32;
const BODY_START = COMMITMENT_START + COMMITMENT_BYTES;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const RECORD_OVERHEAD_BYTES = BODY_START + TAG_BYTES;

const MAX_RECORDS = 2 ** 31;
const WORN_OUT = "a key has sealed as many records as it safely can: random nonces might repeat from here on";

const CIPHER = "aes-256-gcm";
// Without it, a tag cut to 4 bytes is accepted by `createDecipheriv`.
const CIPHER_OPTIONS = { authTagLength: TAG_BYTES };

interface SessionSealerOptions {
  readonly dataKey: KeyObject;
  readonly identity: SessionIdentity;
  readonly writeNonce: NonceSource;
  /** Longer records are neither sealed nor opened. */
  readonly maxRecordBytes: number;
  /** More are not sealed. By NIST's count half of what a key may seal; no session comes near. */
  readonly maxRecords?: number;
}

export interface OwnSealer extends SessionSealer {
  /** True if a sealer of this data key and identity made the record, by its commitment alone: nothing is decrypted. */
  hasSealed(sealed: Buffer): boolean;
}

export const createSessionSealer = (options: SessionSealerOptions): OwnSealer => new KeyedSealer(options);

/** A class, because one is kept with every session: methods of its own would weigh more than all that they use. */
class KeyedSealer implements OwnSealer {
  readonly #key: KeyObject;
  readonly #commitment: Buffer;
  readonly #scope: string;
  readonly #writeNonce: NonceSource;
  readonly #maxRecordBytes: number;
  readonly #maxRecords: number;
  #records = 0;

  constructor({ dataKey, identity, writeNonce, maxRecordBytes, maxRecords = MAX_RECORDS }: SessionSealerOptions) {
    const { key, commitment } = deriveKeys(dataKey, identity);
    this.#key = key;
    this.#commitment = commitment;
    this.#scope = ownText(joinParts(["1.1", identity.owner, identity.key, identity.incarnation]));
    this.#writeNonce = writeNonce;
    this.#maxRecordBytes = maxRecordBytes;
    this.#maxRecords = maxRecords;
  }

  hasSealed(sealed: Buffer): boolean {
    if (sealed.length < RECORD_OVERHEAD_BYTES) throw unreadable("is too short");
    return timingSafeEqual(sealed.subarray(COMMITMENT_START, BODY_START), this.#commitment);
  }

  seal(kind: RecordKind, id: string, plaintext: Buffer): Buffer {
    if (this.#records >= this.#maxRecords) throw new GatewayError("record_unreadable", WORN_OUT);
    this.#records += 1;
    const length = plaintext.length + RECORD_OVERHEAD_BYTES;
    if (length > this.#maxRecordBytes) throw new TypeError(`a record of ${length} bytes is too long to seal`);
    const sealed = Buffer.allocUnsafe(length);
    HEADER.copy(sealed);
    this.#writeNonce(sealed, NONCE_START);
    this.#commitment.copy(sealed, COMMITMENT_START);
    const cipher = createCipheriv(CIPHER, this.#key, sealed.subarray(NONCE_START, COMMITMENT_START), CIPHER_OPTIONS);
    cipher.setAAD(this.#additionalData(kind, id));
    cipher.update(plaintext).copy(sealed, BODY_START);
    cipher.final();
    cipher.getAuthTag().copy(sealed, sealed.length - TAG_BYTES);
    return sealed;
  }

  open(kind: RecordKind, id: string, sealed: Buffer): Buffer {
    if (sealed.length < RECORD_OVERHEAD_BYTES) throw unreadable("is too short");
    if (sealed.length > this.#maxRecordBytes) throw unreadable("is too long");
    if (HEADER.compare(sealed, 0, HEADER.length) !== 0) throw unreadable("has no known format");
    if (!this.hasSealed(sealed)) throw unreadable("was sealed under another key");
    const nonce = sealed.subarray(NONCE_START, COMMITMENT_START);
    const decipher = createDecipheriv(CIPHER, this.#key, nonce, CIPHER_OPTIONS);
    decipher.setAAD(this.#additionalData(kind, id));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    const plaintext = decipher.update(sealed.subarray(BODY_START, -TAG_BYTES));
    try {
      decipher.final();
    } catch (cause) {
      throw unreadable("was changed or belongs elsewhere", cause);
    }
    return plaintext;
  }

  #additionalData(kind: RecordKind, id: string): Buffer {
    return Buffer.from(this.#scope + joinParts([kind, id]));
  }
}

/** The tag of a sealed record: with the key unknown, no other record has it. */
export function recordTag(sealed: Buffer): string {
  if (sealed.length < RECORD_OVERHEAD_BYTES) throw unreadable("is too short");
  return sealed.toString("base64url", sealed.length - TAG_BYTES);
}

function deriveKeys(dataKey: KeyObject, { owner, key, incarnation }: SessionIdentity) {
  const info = joinParts(["stategate/session/1", owner, key, incarnation]);
  const bytes = Buffer.from(hkdfSync("sha512", dataKey, "", info, KEY_BYTES + COMMITMENT_BYTES));
  return { key: createSecretKey(bytes.subarray(0, KEY_BYTES)), commitment: bytes.subarray(KEY_BYTES) };
}

const unreadable = (what: string, cause?: unknown): GatewayError =>
  new GatewayError("record_unreadable", `a sealed record ${what}`, { cause });
