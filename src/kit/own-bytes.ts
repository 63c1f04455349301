/**
 * A copy in memory of its own, for bytes that are kept. A slice keeps the whole body it was cut from, and a small Buffer
 * the 64 KB pool it was taken from, for as long as it lives.
 */
export function ownBytes(source: Buffer | string): Buffer {
  if (typeof source !== "string") {
    const copy = Buffer.allocUnsafeSlow(source.length);
    source.copy(copy);
    return copy;
  }
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(source));
  bytes.write(source);
  return bytes;
}

/** A copy of a well-formed text, for one that is kept: a slice of a text keeps the whole that it was cut from. */
export const ownText = (text: string): string => Buffer.from(text).toString();
