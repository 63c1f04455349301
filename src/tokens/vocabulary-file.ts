import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";

import type { Vocabulary } from "./vocabulary.ts";

/**
 * A packed vocabulary is a header of 32-bit words in the machine's byte order (magic, checksum of all that follows,
 * then the byte length of each section), the sections, each padded to whole words: identity, tokenBytes, tokenStarts,
 * table, pairRanks, pageOf, pages.
 */
const magic = 0x53475631;
const sectionCount = 7;
const headerBytes = (2 + sectionCount) * 4;
const checkedFrom = 8;

const padded = (length: number): number => (length + 3) & ~3;

/** `identity` names everything the vocabulary was made from; another one makes the file worthless. */
export function encodeVocabulary(vocabulary: Vocabulary, identity: string): Uint8Array<ArrayBuffer> {
  const { tokenBytes, tokenStarts, table, pairRanks, classes } = vocabulary;
  const sections = [Buffer.from(identity), tokenBytes, tokenStarts, table, pairRanks, classes.pageOf, classes.pages];
  const size = sections.reduce((sum, section) => sum + padded(section.byteLength), headerBytes);
  const packed = new Uint8Array(size);
  const header = new Uint32Array(packed.buffer, 0, 2 + sectionCount);
  let offset = headerBytes;
  for (const [index, section] of sections.entries()) {
    header[2 + index] = section.byteLength;
    packed.set(new Uint8Array(section.buffer, section.byteOffset, section.byteLength), offset);
    offset += padded(section.byteLength);
  }
  header[1] = crc32(packed.subarray(checkedFrom));
  header[0] = magic;
  return packed;
}

/** A view of `packed`, which must start at a whole word. `undefined` when it is damaged, or of another make than `identity`. */
export function decodeVocabulary(packed: Uint8Array<ArrayBuffer>, identity: string): Vocabulary | undefined {
  if (packed.length < headerBytes) return undefined;
  const { buffer, byteOffset } = packed;
  const [foundMagic, checksum, ...lengths] = new Uint32Array(buffer, byteOffset, 2 + sectionCount);
  if (foundMagic !== magic || checksum !== crc32(packed.subarray(checkedFrom))) return undefined;
  let next = byteOffset + headerBytes;
  const [named, tokenBytes, tokenStarts, table, pairRanks, pageOf, pages] = lengths.map((length) => {
    const offset = next;
    next += padded(length);
    return { offset, length };
  }) as [Section, Section, Section, Section, Section, Section, Section];
  if (Buffer.from(buffer, named.offset, named.length).toString() !== identity) return undefined;
  return {
    tokenBytes: new Uint8Array(buffer, tokenBytes.offset, tokenBytes.length),
    tokenStarts: new Int32Array(buffer, tokenStarts.offset, tokenStarts.length / 4),
    table: new Int32Array(buffer, table.offset, table.length / 4),
    pairRanks: new Int32Array(buffer, pairRanks.offset, pairRanks.length / 4),
    classes: {
      pageOf: new Uint16Array(buffer, pageOf.offset, pageOf.length / 2),
      pages: new Uint8Array(buffer, pages.offset, pages.length),
    },
  };
}

interface Section {
  readonly offset: number;
  readonly length: number;
}

/** Resolves to `undefined` when the file is absent or unreadable. */
export async function readPacked(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    const file = await readFile(path);
    // Views of 32-bit words need an aligned start.
    return file.byteOffset % 4 === 0 ? file : new Uint8Array(file);
  } catch {
    return undefined;
  }
}

/** Whoever reads while this writes sees the old file or the new one. */
export async function writePacked(path: string, packed: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeFile(temporary, packed);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
