import type { Meter } from "@opentelemetry/api";
import { type IMetricReader, MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";

import { serviceResource } from "./service-resource.ts";

export interface Telemetry {
  readonly meter: Meter;
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

/** The one place that knows the OpenTelemetry SDK. Exporters are loaded only when used. */
export async function openTelemetry({ prometheus, otlp }: TelemetryOptions): Promise<Telemetry> {
  const readers: IMetricReader[] = [];
  const pull = prometheus ? await openPrometheus() : undefined;
  if (pull) readers.push(pull.reader);
  if (otlp) readers.push(await openOtlp());
  const provider = new MeterProvider({ resource: serviceResource(), readers });
  return {
    meter: provider.getMeter("stategate"),
    renderMetrics: pull?.render,
    flush: () => provider.forceFlush(),
    close: () => provider.shutdown().catch(() => undefined),
  };
}

async function openPrometheus() {
  const { PrometheusExporter, PrometheusSerializer } = await import("@opentelemetry/exporter-prometheus");
  const reader = new PrometheusExporter({ preventServerStart: true });
  const serializer = new PrometheusSerializer();
  const render = async (): Promise<string> => serializer.serialize((await reader.collect()).resourceMetrics);
  return { reader, render };
}

async function openOtlp(): Promise<IMetricReader> {
  const { OTLPMetricExporter } = await import("@opentelemetry/exporter-metrics-otlp-proto");
  return new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter() });
}
