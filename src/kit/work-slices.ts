import { setImmediate as nextTurn } from "node:timers/promises";

/** So many bytes of text take a few milliseconds to fingerprint or count, at worst a few tens. */
const SLICE_BYTES = 1 << 16;

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
      if (done <= SLICE_BYTES) return undefined;
      done = 0;
      return nextTurn();
    },
  };
}

/** Maps one item after another: at once where they are one slice together, else with pauses and a promise. */
export function mapInSlices<Item, Mapped>(
  items: readonly Item[],
  bytesOf: (item: Item) => number,
  map: (item: Item, index: number) => Mapped,
): Mapped[] | Promise<Mapped[]> {
  let bytes = 0;
  for (const item of items) bytes += bytesOf(item);
  return bytes <= SLICE_BYTES ? items.map(map) : mapWithPauses(items, bytesOf, map);
}

async function mapWithPauses<Item, Mapped>(
  items: readonly Item[],
  bytesOf: (item: Item) => number,
  map: (item: Item, index: number) => Mapped,
): Promise<Mapped[]> {
  const slices = createWorkSlices();
  const mapped: Mapped[] = [];
  for (const [index, item] of items.entries()) {
    const pause = slices.before(bytesOf(item));
    if (pause) await pause;
    mapped.push(map(item, index));
  }
  return mapped;
}
