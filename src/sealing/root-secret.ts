import { generateKeySync, type KeyObject } from "node:crypto";

import { GatewayError } from "../errors/gateway-error.ts";
import { ownBytes } from "../kit/own-bytes.ts";
import type { RecordStore } from "../store/record-store.ts";
import type { Keyring } from "./keyring.ts";

interface RootSecretOptions {
  readonly records: RecordStore;
  readonly keyring: Keyring;
  /** False where a store without a root secret can only mean that it is the wrong store. */
  readonly mayCreate: boolean;
}

export interface RootSecret {
  readonly key: KeyObject;
  /** As the store held it when it was opened. */
  readonly wrapped: Buffer;
}

export const ROOT_SECRET_NAME = "root-secret";
const SECRET_BITS = 256;

/**
 * The secret from which every index, tenant, fingerprint and audit key derives. Made once for a store, for ever:
 * of racing replicas all get the same one, and one that cannot be opened is never replaced.
 * @throws GatewayError `record_unreadable` when no master key opens it, or there is none and none may be made
 */
export async function openRootSecret({ records, keyring, mayCreate }: RootSecretOptions): Promise<RootSecret> {
  const held = await records.read(ROOT_SECRET_NAME);
  if (!held && !mayCreate) throw new GatewayError("record_unreadable", "the store holds no root secret");
  const wrapped = held ?? (await records.putIfAbsent(ROOT_SECRET_NAME, await wrapNewSecret(keyring)));
  return { key: await keyring.unwrap(ROOT_SECRET_NAME, wrapped), wrapped: ownBytes(wrapped) };
}

const wrapNewSecret = (keyring: Keyring): Promise<Buffer> =>
  keyring.wrap(ROOT_SECRET_NAME, generateKeySync("hmac", { length: SECRET_BITS }));
