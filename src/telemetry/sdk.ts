import type { Meter } from "@opentelemetry/api";
import {
  AggregationTemporality,
  type IMetricReader,
  InstrumentType,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";

import { createHistogramProducer } from "./histogram-producer.ts";
import type { Histograms } from "./histograms.ts";
import { joinHistograms } from "./join-histograms.ts";
import { serviceResource } from "./service-resource.ts";

export interface Telemetry {
  readonly meter: Meter;
  /** In the place of the meter's own. */
  readonly histograms: Histograms;
  /** Prometheus text; `undefined` when switched off. */
  readonly renderMetrics: (() => Promise<string>) | undefined;
  /** Sends what was measured so far. */
  flush(): Promise<void>;
  /** Sends what was not sent yet. Never rejects: telemetry does not stop a shutdown. */
  close(): Promise<void>;
}

interface TelemetryOptions {
  readonly prometheus: boolean;
  /** True when the standard `OTEL_EXPORTER_OTLP_*` variables name a collector. */
  readonly otlp: boolean;
}

/** A reader has histograms of its own: it may ask for differences while another asks for sums. */
interface OpenedReader {
  readonly reader: IMetricReader;
  readonly histograms: Histograms;
}

const SCOPE = "stategate";

/** The one place that opens the OpenTelemetry SDK. Exporters are loaded only when used. */
export async function openTelemetry({ prometheus, otlp }: TelemetryOptions): Promise<Telemetry> {
  const opened: OpenedReader[] = [];
  const pull = prometheus ? await openPrometheus() : undefined;
  if (pull) opened.push(pull);
  if (otlp) opened.push(await openOtlp());
  const provider = new MeterProvider({ resource: serviceResource(), readers: opened.map(({ reader }) => reader) });
  return {
    meter: provider.getMeter(SCOPE),
    histograms: joinHistograms(opened.map(({ histograms }) => histograms)),
    renderMetrics: pull?.render,
    flush: () => provider.forceFlush(),
    close: () => provider.shutdown().catch(() => undefined),
  };
}

async function openPrometheus() {
  const { PrometheusExporter, PrometheusSerializer } = await import("@opentelemetry/exporter-prometheus");
  const histograms = createHistogramProducer(SCOPE, AggregationTemporality.CUMULATIVE);
  const reader = new PrometheusExporter({ preventServerStart: true, metricProducers: [histograms] });
  const serializer = new PrometheusSerializer();
  const render = async (): Promise<string> => serializer.serialize((await reader.collect()).resourceMetrics);
  return { reader, histograms, render };
}

async function openOtlp(): Promise<OpenedReader> {
  const { OTLPMetricExporter } = await import("@opentelemetry/exporter-metrics-otlp-proto");
  const exporter = new OTLPMetricExporter();
  const histograms = createHistogramProducer(SCOPE, exporter.selectAggregationTemporality(InstrumentType.HISTOGRAM));
  return { reader: new PeriodicExportingMetricReader({ exporter, metricProducers: [histograms] }), histograms };
}
