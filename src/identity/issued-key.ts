import { randomBytes } from "node:crypto";

import type { Limits } from "../limits/limits.ts";
import type { KeyedHash } from "../sealing/keyed-hash.ts";

/** What the gateway knows of a key it issued; the key itself is with its user alone. */
export interface IssuedKey {
  /** Names the key in lists and for revoking; no secret. */
  readonly id: string;
  readonly tenant: string;
  /** `undefined`: the key speaks for any user of its tenant. */
  readonly user: string | undefined;
  readonly label: string;
  /** What the key says of its user's limits, over what the configuration says. */
  readonly limits: Limits | undefined;
  /** Milliseconds since the Unix epoch, as the other two. */
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  readonly revokedAt: number | undefined;
}

export const ISSUED_KEYS = "issued-key:";
const KEY_SHAPE = /^sg_[\w-]{43}$/;

/** 256 random bits (ASVS 5, 7.2.3 asks for 128), with a prefix by which secret scanners know it. */
export const mintKey = (): string => `sg_${randomBytes(32).toString("base64url")}`;

export const mintKeyId = (): string => `key_${randomBytes(6).toString("hex")}`;

/** The record of a key; `undefined` for what cannot be one. Stores never see the key, and its hash opens nothing. */
export const issuedKeyName = (keyedHash: KeyedHash, key: string): string | undefined =>
  KEY_SHAPE.test(key) ? ISSUED_KEYS + keyedHash.hash("credential", key) : undefined;

export const isInForce = ({ revokedAt, expiresAt = Infinity }: IssuedKey, now: number): boolean =>
  revokedAt === undefined && expiresAt > now;

export const encodeIssuedKey = (key: IssuedKey): Buffer => Buffer.from(JSON.stringify(key));

/** Only what was sealed here comes this far. */
export const decodeIssuedKey = (bytes: Buffer): IssuedKey => JSON.parse(bytes.toString("utf8")) as IssuedKey;
