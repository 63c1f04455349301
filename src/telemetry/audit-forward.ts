import { serviceResource } from "./service-resource.ts";

/** The second place of the audit log. Best effort: what is on record is in the store. */
export interface AuditForward {
  send(entry: Buffer): void;
  /** Sends what was not sent yet. Never rejects. */
  close(): Promise<void>;
}

/** @param write takes one line of JSON; entries hold nothing but ASCII, so one entry is one line anywhere */
export async function openAuditForward(
  target: "off" | "stdout" | "otlp",
  write: (line: string) => void,
): Promise<AuditForward> {
  if (target === "otlp") return openOtlpForward();
  if (target === "off") return { send: () => undefined, close: async () => undefined };
  return { send: (entry) => write(`${entry.toString("utf8")}\n`), close: async () => undefined };
}

/** Where to, and how, say the standard `OTEL_EXPORTER_OTLP_*` variables. The body is the entry as it was hashed. */
async function openOtlpForward(): Promise<AuditForward> {
  const { BatchLogRecordProcessor, LoggerProvider } = await import("@opentelemetry/sdk-logs");
  const { OTLPLogExporter } = await import("@opentelemetry/exporter-logs-otlp-proto");
  const { SeverityNumber } = await import("@opentelemetry/api");
  const processor = new BatchLogRecordProcessor({ exporter: new OTLPLogExporter() });
  const provider = new LoggerProvider({ resource: serviceResource(), processors: [processor] });
  const logger = provider.getLogger("stategate.audit");
  return {
    send(entry) {
      const body = entry.toString("utf8");
      const { event, at } = JSON.parse(body) as { event: string; at: number };
      logger.emit({
        eventName: `stategate.audit.${event}`,
        timestamp: at,
        severityNumber: SeverityNumber.INFO,
        severityText: "INFO",
        body,
      });
    },
    close: () => provider.shutdown().catch(() => undefined),
  };
}
