import { randomFillSync } from "node:crypto";

export const NONCE_BYTES = 12;
const NONCES_PER_BLOCK = 512;

/** Writes a fresh random nonce to `target` at `offset`. */
export type NonceSource = (target: Buffer, offset: number) => void;

/** Random bytes are drawn by the block, because a draw costs a microsecond whatever its size; none is used twice. */
export function createNonceSource(): NonceSource {
  const block = Buffer.allocUnsafeSlow(NONCE_BYTES * NONCES_PER_BLOCK);
  let next = block.length;
  return (target, offset) => {
    if (next === block.length) {
      randomFillSync(block);
      next = 0;
    }
    block.copy(target, offset, next, next + NONCE_BYTES);
    next += NONCE_BYTES;
  };
}
