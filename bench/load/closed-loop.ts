import type { RequestSource } from "./chat-requests.ts";
import { type HttpConnection, openConnection } from "./http-connection.ts";

export interface LoadOptions {
  readonly port: number;
  /** One connection each; every client sends its next request as soon as the last one is answered. */
  readonly clients: readonly RequestSource[];
  readonly durationMs: number;
}

export interface LoadResult {
  readonly requests: number;
  /** Answers with another status than 200. */
  readonly failures: number;
  readonly requestsPerSecond: number;
  /** Ascending, in ms. */
  readonly totals: Float64Array;
  readonly firstBytes: Float64Array;
}

export async function runClosedLoop({ port, clients, durationMs }: LoadOptions): Promise<LoadResult> {
  const opened = await Promise.all(clients.map(async (source) => ({ source, connection: await openConnection(port) })));
  const totals: number[] = [];
  const firstBytes: number[] = [];
  let failures = 0;
  const startedAt = performance.now();
  const deadline = startedAt + durationMs;

  const runClient = async (connection: HttpConnection, source: RequestSource): Promise<void> => {
    do {
      const { status, totalMs, firstByteMs } = await connection.send(source.next());
      if (status !== 200) failures++;
      totals.push(totalMs);
      firstBytes.push(firstByteMs);
    } while (performance.now() < deadline);
  };
  await Promise.all(opened.map(({ connection, source }) => runClient(connection, source)));
  const seconds = (performance.now() - startedAt) / 1000;
  for (const { connection } of opened) connection.close();
  return {
    requests: totals.length,
    failures,
    requestsPerSecond: totals.length / seconds,
    totals: Float64Array.from(totals).sort(),
    firstBytes: Float64Array.from(firstBytes).sort(),
  };
}
