import type { BoundHistogram, Histograms } from "./histograms.ts";

/** Records with each of them: every reader counts for itself, since some want all there was and some what is new. */
export function joinHistograms(all: readonly Histograms[]): Histograms {
  return {
    create(name, options) {
      const each = all.map((histograms) => histograms.create(name, options));
      return { bind: (attributes) => joinBound(each.map((histogram) => histogram.bind(attributes))) };
    },
  };
}

function joinBound(all: readonly BoundHistogram[]): BoundHistogram {
  const [first] = all;
  if (first && all.length === 1) return first;
  return {
    record(value) {
      for (const bound of all) bound.record(value);
    },
  };
}
