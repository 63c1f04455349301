import { setImmediate as nextTurn } from "node:timers/promises";

/** So many bytes of text take a few milliseconds to fingerprint or count, at worst a few tens. */
const SLICE_BYTES = 1 << 16;

/** Parts long work, so that no request holds the event loop for the sum of all it brings. */
export interface WorkSlices {
  /** To be called before each piece of work: a promise to await when the pieces together have grown past a slice. */
  before(bytes: number): Promise<void> | undefined;
}

/** Whether work on so many bytes is done without a pause. */
export const isOneSlice = (bytes: number): boolean => bytes <= SLICE_BYTES;

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
