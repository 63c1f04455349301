import type { Attributes, Observable } from "@opentelemetry/api";

export interface SumCounter {
  /** Once for each set of attributes: of two sums of one set only the last would be told. */
  bind(attributes: Attributes): Sum;
}

/** A field, not a captured variable: V8 writes a number to one in place. */
class Sum {
  readonly attributes: Attributes;
  value = 0;
  /** What was never added to is not told, not even as 0. */
  isUsed = false;

  constructor(attributes: Attributes) {
    this.attributes = attributes;
  }

  add(value: number): void {
    this.value += value;
    this.isUsed = true;
  }
}

/**
 * Keeps the sums of a counter and tells them when the SDK collects. Adding is an addition; the SDK's own counters hash
 * the attributes each time, which for ten counters a turn is a tenth of the turn.
 */
export function createSumCounter(instrument: Observable): SumCounter {
  const sums: Sum[] = [];
  instrument.addCallback((result) => {
    for (const { isUsed, value, attributes } of sums) if (isUsed) result.observe(value, attributes);
  });
  return {
    bind(attributes) {
      const sum = new Sum(attributes);
      sums.push(sum);
      return sum;
    },
  };
}
