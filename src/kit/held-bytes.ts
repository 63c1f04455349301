import { ownBytes } from "./own-bytes.ts";

/** Bytes that are written again and again: a Buffer, or what `holdBytes` makes of one. */
export interface Bytes {
  readonly length: number;
  /** Returns how many were copied. */
  copy(target: Buffer, at: number): number;
  /** @param text ASCII */
  includes(text: string): boolean;
  /** As UTF-8, or as one character for each byte. */
  toString(encoding?: "utf8" | "latin1"): string;
}

/** As one character for each byte: a Buffer of ninety bytes takes four times the room, half of it where no heap shows it. */
class HeldBytes implements Bytes {
  readonly latin1: string;

  constructor(latin1: string) {
    this.latin1 = latin1;
  }

  get length(): number {
    return this.latin1.length;
  }

  copy(target: Buffer, at: number): number {
    return target.write(this.latin1, at, "latin1");
  }

  includes(text: string): boolean {
    return this.latin1.includes(text);
  }

  toString(encoding: "utf8" | "latin1" = "utf8"): string {
    return encoding === "latin1" ? this.latin1 : Buffer.from(this.latin1, "latin1").toString();
  }
}

/** What is longer costs less outside of the heap, where no collection copies it. */
const MAX_HEAP_BYTES = 4_096;

/** A copy that is kept: it holds no more than itself, and takes little room besides. */
export function holdBytes(source: Buffer | string): Bytes {
  const length = typeof source === "string" ? Buffer.byteLength(source) : source.length;
  if (length > MAX_HEAP_BYTES) return ownBytes(source);
  if (typeof source !== "string") return new HeldBytes(source.toString("latin1"));
  const isAscii = length === source.length;
  return new HeldBytes(isAscii ? source : Buffer.from(source).toString("latin1"));
}

export const toBuffer = (bytes: Bytes): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.toString("latin1"), "latin1");
