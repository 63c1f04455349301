import type { Attributes } from "@opentelemetry/api";

import type { BoundHistogram } from "./histograms.ts";

/** What was recorded under one set of attributes. Fields, not captured variables: V8 writes a number to one in place. */
export class BucketCounts implements BoundHistogram {
  readonly attributes: Attributes;
  /** How many values were at most the bound of the same place; behind them, how many were above all. */
  readonly buckets: number[];
  sum = 0;
  min = Infinity;
  max = -Infinity;
  /** When the first value came, or what was counted before was told; 0 before that. */
  startMs = 0;
  readonly #bounds: readonly number[];

  constructor(attributes: Attributes, bounds: readonly number[]) {
    this.attributes = attributes;
    this.#bounds = [...bounds, Infinity];
    this.buckets = this.#bounds.map(() => 0);
  }

  record(value: number): void {
    if (!(value >= 0)) return;
    if (this.startMs === 0) this.startMs = Date.now();
    let place = 0;
    while (value > (this.#bounds[place] ?? Infinity)) place += 1;
    this.buckets[place] = (this.buckets[place] ?? 0) + 1;
    this.sum += value;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
  }

  get count(): number {
    return this.buckets.reduce((sum, count) => sum + count, 0);
  }

  /** @param startMs 0 to begin with the next value */
  restart(startMs: number): void {
    this.buckets.fill(0);
    this.sum = 0;
    this.min = Infinity;
    this.max = -Infinity;
    this.startMs = startMs;
  }
}
