import { type Attributes, type HrTime, ValueType } from "@opentelemetry/api";
import { emptyResource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram as HistogramValue,
  type HistogramMetricData,
  type MetricDescriptor,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";

import { BucketCounts } from "./bucket-counts.ts";
import type { Histograms } from "./histograms.ts";

/** The SDK's own limit, and what it names the rest. */
const MAX_SETS = 2000;
const overflow: Attributes = { "otel.metric.overflow": true };

interface CountedMetric {
  readonly descriptor: MetricDescriptor;
  readonly bounds: number[];
  readonly sets: BucketCounts[];
}

/**
 * The histograms of one reader: counted by ourselves, told as the SDK tells its own. See
 * docs/decisions/2026-11-27-own-histograms.md.
 */
export function createHistogramProducer(
  scope: string,
  aggregationTemporality: AggregationTemporality,
): Histograms & MetricProducer {
  const metrics: CountedMetric[] = [];
  const isDelta = aggregationTemporality === AggregationTemporality.DELTA;
  return {
    create(name, { description = "", unit = "", advice }) {
      const bounds = advice.explicitBucketBoundaries;
      const sets: BucketCounts[] = [];
      metrics.push({ descriptor: { name, description, unit, valueType: ValueType.DOUBLE }, bounds, sets });
      return { bind: (attributes) => addSet(sets, attributes, bounds) };
    },
    async collect() {
      const told = metrics.map(({ descriptor, bounds, sets }): HistogramMetricData => {
        const dataPoints = tellSets(sets, bounds, isDelta);
        return { descriptor, aggregationTemporality, dataPointType: DataPointType.HISTOGRAM, dataPoints };
      });
      const scopeMetrics = { scope: { name: scope, version: "" }, metrics: told.filter(hasPoints) };
      // The reader puts its own resource in the place of this one.
      const resource = emptyResource();
      return { resourceMetrics: { resource, scopeMetrics: scopeMetrics.metrics[0] ? [scopeMetrics] : [] }, errors: [] };
    },
  };
}

function addSet(sets: BucketCounts[], attributes: Attributes, bounds: readonly number[]): BucketCounts {
  const last = sets.at(-1);
  if (last && sets.length === MAX_SETS) return last;
  const added = new BucketCounts(sets.length === MAX_SETS - 1 ? overflow : attributes, bounds);
  sets.push(added);
  return added;
}

function tellSets(sets: readonly BucketCounts[], bounds: number[], isDelta: boolean): DataPoint<HistogramValue>[] {
  const endMs = Date.now();
  const dataPoints: DataPoint<HistogramValue>[] = [];
  for (const set of sets) {
    const count = set.count;
    if (count > 0) dataPoints.push(pointOf(set, count, { bounds, endMs }));
    // As with the SDK: a set that was told goes on from there, one that was not begins with its next value.
    if (isDelta) set.restart(count > 0 ? endMs : 0);
  }
  return dataPoints;
}

function pointOf(
  { attributes, startMs, buckets, sum, min, max }: BucketCounts,
  count: number,
  { bounds, endMs }: { bounds: number[]; endMs: number },
): DataPoint<HistogramValue> {
  return {
    attributes,
    startTime: toHrTime(startMs),
    endTime: toHrTime(endMs),
    value: { min, max, sum, buckets: { boundaries: bounds, counts: [...buckets] }, count },
  };
}

const hasPoints = ({ dataPoints }: HistogramMetricData): boolean => dataPoints.length > 0;

/** Seconds, and nanoseconds of the second. */
const toHrTime = (milliseconds: number): HrTime => [Math.floor(milliseconds / 1000), (milliseconds % 1000) * 1e6];
