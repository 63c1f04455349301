import { createHmac, createSecretKey, type KeyObject, randomBytes } from "node:crypto";

import { expect } from "vitest";

import { GatewayError } from "../../../src/errors/gateway-error.ts";
import type { Keyring } from "../../../src/sealing/keyring.ts";
import { createLocalKeyring } from "../../../src/sealing/local-keyring.ts";
import type { SessionIdentity } from "../../../src/sealing/sealer.ts";

export const randomKey = (): KeyObject => createSecretKey(randomBytes(32));

export const keyringOf = (...ids: readonly string[]): Keyring =>
  createLocalKeyring(ids.map((id) => ({ id, key: randomKey() })));

export const identity: SessionIdentity = {
  owner: "owner-hash",
  key: "session-hash",
  incarnation: "0123456789abcdef0123456789abcdef",
};

/** The message of the `record_unreadable` that the work raises. */
export function unreadable(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return messageOfUnreadable(error);
  }
  throw new Error("nothing was refused");
}

export async function refused(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => new Error("nothing was refused"),
    (reason: unknown) => reason,
  );
  return messageOfUnreadable(error);
}

function messageOfUnreadable(error: unknown): string {
  expect(error).toBeInstanceOf(GatewayError);
  expect(error).toMatchObject({ code: "record_unreadable" });
  return (error as GatewayError).message;
}

/** RFC 5869 with SHA-512 and no salt, by two HMACs: extract, then the first block of expand. */
export function hkdfBlock(secret: Buffer, info: string): Buffer {
  const pseudorandomKey = createHmac("sha512", Buffer.alloc(64)).update(secret).digest();
  return createHmac("sha512", pseudorandomKey).update(info).update(Buffer.of(1)).digest();
}

export const flipBit = (bytes: Buffer, bit: number): Buffer =>
  Buffer.from(bytes.map((byte, index) => (index === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte)));
