import { Agent, createServer, type IncomingMessage, request as openRequest, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";

/** What stands in front of replicas: one after another, kept connections, health checks; sticks to nobody. */
export interface LoadBalancer {
  /** Base URL with `/v1`. */
  readonly url: string;
  readonly origin: string;
  /** Origins of replicas, in the order in which they get requests. Those that were there already keep their health. */
  use(origins: readonly string[]): void;
  close(): Promise<void>;
}

/** Response header with the origin of the replica that answered. */
export const SERVED_BY = "x-served-by";

const CHECK_EVERY_MS = 50;
const HOP_BY_HOP = new Set(["connection", "keep-alive"]);

export async function startLoadBalancer(): Promise<LoadBalancer> {
  const agent = new Agent({ keepAlive: true });
  let replicas = new Map<string, { isReady: boolean }>();
  let turns = 0;
  const next = (tried: ReadonlySet<string>): string | undefined => {
    const ready = [...replicas].filter(([origin, { isReady }]) => isReady && !tried.has(origin));
    return ready[turns++ % ready.length]?.[0];
  };
  const server = createServer(async (request, response) => {
    const body = await buffer(request).catch(() => undefined);
    if (!body) return;
    const tried = new Set<string>();
    for (let origin = next(tried); origin; origin = next(tried)) {
      tried.add(origin);
      const isSent = await forward({ agent, origin, body, request, response }).catch(() => response.destroy());
      if (isSent) return;
    }
    response.writeHead(503).end();
  });
  // Else a busy process ends connections just when its own clients use them again.
  server.keepAliveTimeout = 60_000;
  const checks = setInterval(() => {
    for (const [origin, replica] of replicas) void isReady(origin).then((ready) => (replica.isReady = ready));
  }, CHECK_EVERY_MS);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `${origin}/v1`,
    origin,
    use(origins) {
      replicas = new Map(origins.map((name) => [name, replicas.get(name) ?? { isReady: true }]));
    },
    close() {
      clearInterval(checks);
      agent.destroy();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

interface Forwarded {
  readonly agent: Agent;
  readonly origin: string;
  readonly body: Buffer;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Resolves to false where nobody listens, so that nothing was sent. Rejects when the replica died on the way. */
function forward({ agent, origin, body, request, response }: Forwarded): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const { method, url, headers } = request;
    const sent = openRequest(`${origin}${url}`, { agent, method, headers });
    sent.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED") resolve(false);
      else reject(error);
    });
    sent.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, { ...endToEnd(answer.headers), [SERVED_BY]: origin });
      pipeline(answer, response).then(() => resolve(true), reject);
    });
    response.once("close", () => void (response.writableFinished || sent.destroy()));
    sent.end(body);
  });
}

/** How long the replica keeps its connection is no matter of the client's. */
function endToEnd(headers: IncomingMessage["headers"]): IncomingMessage["headers"] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)));
}

const isReady = (origin: string): Promise<boolean> =>
  fetch(`${origin}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  );
