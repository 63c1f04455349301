import { createRandomDraws } from "../kit/random-draws.ts";

export const NONCE_BYTES = 12;

/** Writes a fresh random nonce to `target` at `offset`. */
export type NonceSource = (target: Buffer, offset: number) => void;

export function createNonceSource(): NonceSource {
  const draws = createRandomDraws(NONCE_BYTES);
  return (target, offset) => {
    const at = draws.next();
    draws.block.copy(target, offset, at, at + NONCE_BYTES);
  };
}
