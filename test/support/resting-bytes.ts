import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";

/** Bytes that somebody could find after the fact, by where they were found. */
export type RestingBytes = ReadonlyMap<string, Buffer>;

/** Every file below a folder. */
export async function readFolder(folder: string): Promise<RestingBytes> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(
      files.map(async (file): Promise<[string, Buffer]> => [relative(folder, file), await readFile(file)]),
    ),
  );
}

/** `place: needle` for every needle found in clear, as it is or with everything but letters and digits left out. */
export function findInClear(bytes: RestingBytes, needles: readonly string[]): string[] {
  const found: string[] = [];
  for (const [place, buffer] of bytes) {
    const text = buffer.toString("latin1");
    for (const needle of needles) {
      const bare = needle.replaceAll(/[^A-Za-z0-9]/g, "");
      if (text.includes(Buffer.from(needle).toString("latin1")) || text.includes(bare))
        found.push(`${place}: ${needle}`);
    }
  }
  return found;
}
