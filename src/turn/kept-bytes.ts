/** A stream's bytes on their way past, copied together: what is held is their size, and not that of the reads they came in. */
export interface KeptBytes {
  add(bytes: Buffer): void;
  /** Everything that was added, as a whole; `undefined` when it was more than may be kept. */
  whole(): Buffer | undefined;
}

const MIN_BLOCK_BYTES = 1 << 11;
const MAX_BLOCK_BYTES = 1 << 16;

export function createKeptBytes(maxBytes: number): KeptBytes {
  let full: Buffer[] = [];
  let block: Buffer = Buffer.alloc(0);
  let used = 0;
  let size = 0;

  const startBlock = (bytes: number): void => {
    full.push(block.subarray(0, used));
    // As much again as there is, so that a short answer holds little and a long one few blocks.
    block = Buffer.allocUnsafeSlow(Math.max(bytes, MIN_BLOCK_BYTES, Math.min(size, MAX_BLOCK_BYTES)));
    used = 0;
  };
  return {
    add(bytes) {
      size += bytes.length;
      if (size > maxBytes) {
        full = [];
        block = Buffer.alloc(0);
        return;
      }
      if (used + bytes.length > block.length) startBlock(bytes.length);
      used += bytes.copy(block, used);
    },
    whole: () => (size > maxBytes ? undefined : Buffer.concat([...full, block.subarray(0, used)])),
  };
}
