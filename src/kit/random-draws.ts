import { randomFillSync } from "node:crypto";

/** Fresh random bytes of one size. */
export interface RandomDraws {
  /** Where draws lie until the block is used up: take what is wanted of it at once. */
  readonly block: Buffer;
  /** Offset of the next draw. */
  next(): number;
}

const DRAWS_PER_BLOCK = 512;

/** Drawn by the block, because the system takes a microsecond for a draw whatever its size; none is given out twice. */
export function createRandomDraws(bytes: number): RandomDraws {
  const block = Buffer.allocUnsafeSlow(bytes * DRAWS_PER_BLOCK);
  let next = block.length;
  return {
    block,
    next() {
      if (next === block.length) {
        randomFillSync(block);
        next = 0;
      }
      const at = next;
      next += bytes;
      return at;
    },
  };
}
