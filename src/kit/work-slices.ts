import type { Awaitable } from "./awaitable.ts";
import { nextSlice } from "./slice-queue.ts";

/** So many bytes of text take a few milliseconds to fingerprint, count or store. */
const SLICE_BYTES = 1 << 16;
/** Of going through an item, however little it holds: as long as so many bytes more of it take. */
const ITEM_BYTES = 256;

/** Whether work on so many bytes is to wait for a slice of its own. */
export const isLong = (bytes: number): boolean => bytes > SLICE_BYTES;

/** A slice of its own for work on so many bytes; `undefined` where they are few, and may follow on what was done before. */
export const sliceFor = (bytes: number): Promise<void> | undefined => (isLong(bytes) ? nextSlice() : undefined);

/** Parts long work, so that no request holds the event loop for the sum of all it brings. */
export interface WorkSlices {
  /** To be called before each piece of work: a promise to await when the pieces together have grown past a slice. */
  before(bytes: number): Promise<void> | undefined;
}

export function createWorkSlices(): WorkSlices {
  let done = 0;
  return {
    before(bytes) {
      done += bytes;
      if (!isLong(done)) return undefined;
      // A piece that is longer than a slice has what is left of its turn to itself.
      done = bytes;
      return nextSlice();
    },
  };
}

export interface SlicedMap<Item, Mapped> {
  readonly bytesOf: (item: Item) => number;
  readonly map: (item: Item, index: number) => Mapped;
  /** In place of `map` for an item that is longer than a slice by itself. */
  readonly mapLong?: (item: Item, index: number) => Promise<Mapped>;
}

/** Maps one item after another: at once where they are one slice together, else with pauses and a promise. */
export function mapInSlices<Item, Mapped>(
  items: readonly Item[],
  sliced: SlicedMap<Item, Mapped>,
): Awaitable<Mapped[]> {
  let bytes = items.length * ITEM_BYTES;
  for (const item of items) bytes += sliced.bytesOf(item);
  return isLong(bytes) ? mapWithPauses(items, sliced) : items.map(sliced.map);
}

async function mapWithPauses<Item, Mapped>(
  items: readonly Item[],
  { bytesOf, map, mapLong }: SlicedMap<Item, Mapped>,
): Promise<Mapped[]> {
  const slices = createWorkSlices();
  const mapped: Mapped[] = [];
  for (const [index, item] of items.entries()) {
    const bytes = bytesOf(item);
    const pause = slices.before(bytes + ITEM_BYTES);
    if (pause) await pause;
    mapped.push(mapLong && isLong(bytes) ? await mapLong(item, index) : map(item, index));
  }
  // What is done with all of them is long as well.
  await nextSlice();
  return mapped;
}
