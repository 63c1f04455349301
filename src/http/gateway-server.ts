import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as acceptWaiting, setTimeout as pause } from "node:timers/promises";

import { createHttpServer, type HttpServerParts } from "./http-server.ts";

export interface ServerSettings {
  readonly host: string;
  readonly port: number;
  readonly drainDelayMs: number;
  readonly drainTimeoutMs: number;
}

/** The socket under the app. */
export interface GatewayServer {
  /** Resolves to the base URL once connections are accepted. */
  listen(): Promise<string>;
  /**
   * Goes on for `drainDelayMs`, so that load balancers stop coming by themselves; then lets running answers end, for
   * `drainTimeoutMs` at most, and cuts what is left.
   */
  close(): Promise<void>;
}

interface ServerParts extends HttpServerParts {
  readonly settings: ServerSettings & HttpServerParts["settings"];
}

export function createGatewayServer(parts: ServerParts): GatewayServer {
  const { settings } = parts;
  const server = createHttpServer(parts);
  return {
    listen: () => listen(server, settings),
    close: () => drain(server, settings),
  };
}

const DRAIN_STEP_MS = 50;

function listen(server: Server, { host, port }: ServerSettings): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      const address = server.address() as AddressInfo;
      resolve(`http://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`);
    });
  });
}

async function drain(server: Server, { drainDelayMs, drainTimeoutMs }: ServerSettings): Promise<void> {
  server.prependListener("request", partAfterAnswer);
  if (drainDelayMs > 0) {
    await pause(drainDelayMs);
    // Connections that the kernel holds are reset when the socket closes: they are taken first.
    await acceptWaiting();
  }
  const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
  const sweep = setInterval(() => server.closeIdleConnections(), DRAIN_STEP_MS);
  const force = setTimeout(() => server.closeAllConnections(), drainTimeoutMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(force);
}

/** Whoever keeps a connection is told not to use it again: one that closes under a request loses that request. */
const partAfterAnswer = (_: IncomingMessage, response: ServerResponse): void => {
  response.shouldKeepAlive = false;
};
