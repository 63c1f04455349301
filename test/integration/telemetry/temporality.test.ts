import { afterEach, expect, it, vi } from "vitest";

import { createTurnMeter } from "../../../src/telemetry/create-turn-meter.ts";
import { openTelemetry } from "../../../src/telemetry/sdk.ts";
import { startOtlpCollector } from "../../support/otlp-collector.ts";

afterEach(() => vi.unstubAllEnvs());

/** How many durations of the store `/metrics` and the collector are told of, after each of three exports. */
async function toldOfStoreCalls(preference: string | undefined) {
  const collector = await startOtlpCollector();
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url);
  vi.stubEnv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", preference);
  const telemetry = await openTelemetry({ prometheus: true, otlp: true });
  const meter = createTurnMeter(telemetry.meter, telemetry.histograms);
  const scraped: number[] = [];
  const pushed: (number | undefined)[] = [];
  const look = async (): Promise<void> => {
    pushed.push(collector.histogramCounts().get("stategate.store.duration"));
    const text = await telemetry.renderMetrics?.();
    scraped.push(Number(/^stategate_store_duration_count\{.*\} (\d+)$/m.exec(text ?? "")?.[1]));
  };
  meter.store("load", "ok", 1);
  meter.store("load", "ok", 2);
  await telemetry.flush();
  await look();
  meter.store("load", "ok", 3);
  await telemetry.flush();
  await look();
  for (const ms of [4, 5, 6, 7]) meter.store("load", "ok", ms);
  // The last export is the one of a shutdown, after which `/metrics` is closed.
  await telemetry.close();
  pushed.push(collector.histogramCounts().get("stategate.store.duration"));
  await collector.close();
  return { scraped, pushed };
}

it.each([undefined, "cumulative"])("a collector is told all there was (preference: %s)", async (preference) => {
  expect(await toldOfStoreCalls(preference)).toEqual({ scraped: [2, 3], pushed: [2, 3, 7] });
});

it.each(["delta", "lowmemory"])("a collector that wants %s is told what is new, /metrics all", async (preference) => {
  expect(await toldOfStoreCalls(preference)).toEqual({ scraped: [2, 3], pushed: [2, 1, 4] });
});
