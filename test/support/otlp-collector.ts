import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A counter or up-down counter as a collector received it: the newest sum over all attribute sets. */
export type Sums = ReadonlyMap<string, number>;

export interface OtlpCollector {
  readonly url: string;
  /** Sums by metric name, of the last export. */
  sums(): Sums;
  /** How many values each histogram of the last export holds, by metric name. */
  histogramCounts(): Sums;
  /** Every log record received, in order. */
  logs(): readonly ReceivedLog[];
  /** Every byte received. */
  readonly payloads: readonly Buffer[];
  close(): Promise<void>;
}

export interface ReceivedLog {
  readonly event: string;
  readonly body: string;
}

/** Takes OTLP over HTTP with protobuf bodies and reads them with nothing of the SDK that wrote them. */
export async function startOtlpCollector(): Promise<OtlpCollector> {
  const payloads: Buffer[] = [];
  const logs: Buffer[] = [];
  const metrics: Buffer[] = [];
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const payload = Buffer.concat(pieces);
    payloads.push(payload);
    (request.url === "/v1/logs" ? logs : metrics).push(payload);
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    payloads,
    sums: () => readSums(metrics.at(-1) ?? Buffer.alloc(0)),
    histogramCounts: () => readHistogramCounts(metrics.at(-1) ?? Buffer.alloc(0)),
    logs: () => logs.flatMap(readLogs),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

interface Field {
  readonly number: number;
  readonly bytes: Buffer;
}

const inside = (messages: readonly Buffer[], number: number): Buffer[] =>
  messages.flatMap((message) =>
    readFields(message)
      .filter((field) => field.number === number)
      .map(({ bytes }) => bytes),
  );

/** Field numbers of opentelemetry/proto/logs/v1/logs.proto. */
function readLogs(request: Buffer): ReceivedLog[] {
  const records = inside(inside(inside([request], 1), 2), 2);
  return records.map((record) => ({
    event: inside([record], 12).toString(),
    body: inside(inside([record], 5), 1).toString(),
  }));
}

/** Field numbers of opentelemetry/proto/metrics/v1/metrics.proto. */
const metricsOf = (request: Buffer): Buffer[] => inside(inside(inside([request], 1), 2), 2);

function readHistogramCounts(request: Buffer): Sums {
  const counted = metricsOf(request).map((metric): [string, number] => {
    const counts = inside(inside(inside([metric], 9), 1), 4);
    return [String(inside([metric], 1)[0]), counts.reduce((sum, count) => sum + Number(count.readBigUInt64LE()), 0)];
  });
  return new Map(counted.filter(([, count]) => count > 0));
}

function readSums(request: Buffer): Sums {
  const sums = new Map<string, number>();
  for (const metric of metricsOf(request)) {
    const name = inside([metric], 1)[0]?.toString("utf8") ?? "";
    for (const point of inside(inside([metric], 7), 1)) {
      for (const { number, bytes } of readFields(point)) {
        if (number === 4) sums.set(name, (sums.get(name) ?? 0) + bytes.readDoubleLE());
        if (number === 6) sums.set(name, (sums.get(name) ?? 0) + Number(bytes.readBigInt64LE()));
      }
    }
  }
  return sums;
}

function readFields(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => message.subarray(at, (at += length));
  while (at < message.length) {
    const tag = varint();
    const wire = tag & 7;
    if (wire === 0) varint();
    else fields.push({ number: tag >>> 3, bytes: take(wire === 1 ? 8 : wire === 5 ? 4 : varint()) });
  }
  return fields;
}
