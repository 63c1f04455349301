/** A stretch of names in the order of their UTF-8 bytes: `from` is part of it, `to` is not. */
export interface NameRange {
  readonly from: Buffer;
  readonly to: Buffer;
}

/** Every name that starts with `prefix` and comes after `after`. */
export function rangeOfNames(prefix: string, after: string | undefined): NameRange {
  const first = Buffer.from(prefix);
  // The next name after `after` is `after` with a zero byte; no byte of UTF-8 is as high as 0xff.
  const next = after === undefined ? first : Buffer.concat([Buffer.from(after), Buffer.of(0)]);
  return { from: Buffer.compare(next, first) > 0 ? next : first, to: Buffer.concat([first, Buffer.of(0xff)]) };
}
