import type { Attributes } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  type MetricData,
  MeterProvider,
  type MetricReader,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { createHistogramProducer } from "../../../src/telemetry/histogram-producer.ts";
import { joinHistograms } from "../../../src/telemetry/join-histograms.ts";
import { sdkHistograms } from "../../support/sdk-histograms.ts";

const { CUMULATIVE, DELTA } = AggregationTemporality;
// Bounds and values are fractions of powers of two, whose sums are exact in any order.
const options = { unit: "s", description: "Some time", advice: { explicitBucketBoundaries: [0.25, 0.5, 1, 4, 16] } };
const started = Date.UTC(2026, 10, 27);

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: started }));
afterEach(() => void vi.useRealTimers());

interface Told {
  readonly ours: MetricData | undefined;
  readonly sdks: MetricData | undefined;
}

/** Readers that are told by the SDK's own histogram `sdks` and by `ours`. Points in the order of their labels. */
function openReaders(...temporalities: readonly AggregationTemporality[]) {
  const producers = temporalities.map((temporality) => createHistogramProducer("test", temporality));
  const exporters = temporalities.map((temporality) => new InMemoryMetricExporter(temporality));
  const readers: MetricReader[] = exporters.map((exporter, place) => {
    const producer = producers[place]!;
    return new PeriodicExportingMetricReader({ exporter, metricProducers: [producer] });
  });
  const provider = new MeterProvider({ readers });
  const ours = joinHistograms(producers).create("ours", options);
  const sdks = sdkHistograms(provider.getMeter("test")).create("sdks", options);
  return {
    exporters,
    bind(attributes: Attributes) {
      const both = [ours.bind(attributes), sdks.bind(attributes)];
      return { record: (value: number) => both.forEach((histogram) => histogram.record(value)) };
    },
    async told(place: number): Promise<Told> {
      const { resourceMetrics } = await readers[place]!.collect();
      const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
      for (const { dataPoints } of metrics) {
        dataPoints.sort((one, other) => (JSON.stringify(one.attributes) < JSON.stringify(other.attributes) ? -1 : 1));
      }
      const named = (name: string) => metrics.find(({ descriptor }) => descriptor.name === name);
      return { ours: named("ours"), sdks: named("sdks") };
    },
    close: () => provider.shutdown(),
  };
}

function expectSame({ ours, sdks }: Told): void {
  expect(ours && { ...ours, descriptor: undefined }).toEqual(sdks && { ...sdks, descriptor: undefined });
  if (ours) expect(sdks?.descriptor).toMatchObject({ ...ours.descriptor, name: "sdks" });
}

/** Numbers below `limit`, the same ones for the same seed. */
function createDice(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

describe("a reader's histograms", () => {
  it.each(Array.from({ length: 20 }, (_, seed) => seed))(
    "are told as the SDK tells its own, whoever reads when and wants what (%i)",
    async (seed) => {
      const roll = createDice(seed);
      const readers = openReaders(CUMULATIVE, DELTA, DELTA);
      const sets = [{}, { stage: "load" }, { stage: "plan" }, { model: "m", status: 200 }].map(readers.bind);
      const odd = [0, 0.25, 16, 16.5, -1];
      for (let step = 0; step < 400; step += 1) {
        vi.setSystemTime(started + step * 1_250);
        const value = roll(8) === 0 ? odd[roll(odd.length)]! : roll(20 * 1024) / 1024;
        // Some sets rest for a while, so that a reader is told of them in one interval and not in the next.
        sets[roll(step % 100 < 50 ? 2 : sets.length)]!.record(value);
        if (roll(12) === 0) expectSame(await readers.told(roll(3)));
      }
      for (const place of [0, 1, 2]) expectSame(await readers.told(place));
      await readers.close();
    },
  );

  it("know every bucket, also that of what has no bound", async () => {
    const readers = openReaders(CUMULATIVE);
    const bound = readers.bind({});
    for (const value of [0, 0.25, 0.26, 0.5, 1, 4, 15, 16, 17, Infinity]) bound.record(value);
    const told = await readers.told(0);
    expectSame(told);
    expect(told.ours?.dataPoints).toMatchObject([{ value: { buckets: { counts: [2, 2, 1, 1, 2, 2] }, count: 10 } }]);
    await readers.close();
  });

  it("know nothing of what is not a number", async () => {
    const readers = openReaders(CUMULATIVE);
    const bound = readers.bind({});
    bound.record(Number.NaN);
    expect((await readers.told(0)).ours).toBeUndefined();
    bound.record(1);
    bound.record(Number.NaN);
    expectSame(await readers.told(0));
    await readers.close();
  });

  it("give each reader its own differences, and sums to who wants sums", async () => {
    const readers = openReaders(DELTA, DELTA, CUMULATIVE);
    const bound = readers.bind({});
    const countAt = async (place: number) => (await readers.told(place)).ours?.dataPoints.map(({ value }) => value);
    bound.record(1);
    expect(await countAt(0)).toMatchObject([{ count: 1, sum: 1, min: 1, max: 1 }]);
    bound.record(3);
    expect(await countAt(0)).toMatchObject([{ count: 1, sum: 3, min: 3, max: 3 }]);
    expect(await countAt(1)).toMatchObject([{ count: 2, sum: 4, min: 1, max: 3 }]);
    expect(await countAt(0)).toBeUndefined();
    expect(await countAt(2)).toMatchObject([{ count: 2, sum: 4 }]);
    expect(await countAt(2)).toMatchObject([{ count: 2, sum: 4 }]);
    await readers.close();
  });

  it("stay as few as the SDK's, however many sets of attributes there are", async () => {
    const readers = openReaders(CUMULATIVE);
    for (let index = 0; index < 2_100; index += 1) readers.bind({ index }).record(1);
    const told = await readers.told(0);
    expectSame(told);
    expect(told.ours?.dataPoints).toHaveLength(2_000);
    expect(told.ours?.dataPoints).toContainEqual(
      expect.objectContaining({
        attributes: { "otel.metric.overflow": true },
        value: expect.objectContaining({ count: 101 }),
      }),
    );
    await readers.close();
  });

  it("are exported once more at the end, as they were then", async () => {
    const readers = openReaders(DELTA);
    const bound = readers.bind({});
    bound.record(2);
    const [exporter] = readers.exporters;
    const exports = exporter!.getMetrics();
    await readers.close();
    bound.record(4);
    const metrics = exports.at(-1)?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
    expect(metrics.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints[0]?.value])).toMatchObject([
      ["sdks", { count: 1, sum: 2, max: 2 }],
      ["ours", { count: 1, sum: 2, max: 2 }],
    ]);
  });
});
