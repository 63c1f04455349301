import type { RecallIndex } from "./recall-index.ts";

/** What units mean, by their position: vectors of length 1. A unit that has none is found by its words alone. */
export interface UnitVectors {
  readonly bytes: number;
  /** Of each vector there is; 0 while there is none. */
  readonly dimensions: number;
  of(unit: number): Float32Array | undefined;
  keep(unit: number, vector: Float32Array): void;
}

export function createUnitVectors(): UnitVectors {
  const vectors = new Map<number, Float32Array>();
  let bytes = 0;
  let dimensions = 0;
  return {
    get bytes() {
      return bytes;
    },
    get dimensions() {
      return dimensions;
    },
    of: (unit) => vectors.get(unit),
    keep(unit, vector) {
      bytes += vector.byteLength - (vectors.get(unit)?.byteLength ?? 0);
      dimensions = Math.max(dimensions, vector.length);
      vectors.set(unit, vector);
    },
  };
}

/** Takes over the vectors of the turns that an index shares with the one before it. */
export function takeVectors(index: RecallIndex, former: RecallIndex): void {
  for (const { position, turn } of index.units) {
    if (former.keyAt(turn) !== index.keyAt(turn)) return;
    const vector = former.vectors.of(position);
    if (vector) index.vectors.keep(position, vector);
  }
}
