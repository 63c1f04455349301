import type { Attributes, MetricOptions } from "@opentelemetry/api";

export interface Histograms {
  create(name: string, options: HistogramOptions): Histogram;
}

interface HistogramOptions extends MetricOptions {
  /** Upper bounds, rising; a bound belongs to its bucket. */
  readonly advice: { explicitBucketBoundaries: number[] };
}

/** As OpenTelemetry's specification has it under `Bind`, which its SDK for JavaScript does not have yet. */
export interface Histogram {
  /** Once for each set of attributes: what is bound twice is told twice. */
  bind(attributes: Attributes): BoundHistogram;
}

export interface BoundHistogram {
  /** Leaves out what is below zero or not a number, as the SDK does. */
  record(value: number): void;
}
