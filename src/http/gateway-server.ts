import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";

import type { Log } from "../kit/log.ts";
import { failedRequest } from "./error-response.ts";
import type { GatewayEnv } from "./gateway-env.ts";

export interface ServerSettings {
  readonly host: string;
  readonly port: number;
  readonly maxHeaderBytes: number;
  readonly drainTimeoutMs: number;
}

/** The socket under the app. */
export interface GatewayServer {
  /** Resolves to the base URL once connections are accepted. */
  listen(): Promise<string>;
  /** Lets running answers end, for `drainTimeoutMs` at most, and then cuts what is left. */
  close(): Promise<void>;
}

interface ServerParts {
  readonly app: Hono<GatewayEnv>;
  readonly settings: ServerSettings;
  readonly log: Log;
}

export function createGatewayServer({ app, settings, log }: ServerParts): GatewayServer {
  const listener = getRequestListener(app.fetch, {
    overrideGlobalObjects: false,
    errorHandler: (failure) => failedRequest(failure, log),
  });
  const server = createServer(
    { maxHeaderSize: settings.maxHeaderBytes, noDelay: true, keepAliveTimeout: KEEP_ALIVE_MS },
    (request, response) => void listener(request, response),
  );
  return {
    listen: () => listen(server, settings),
    close: () => drain(server, settings.drainTimeoutMs),
  };
}

/** Longer than the load balancers in front keep theirs, so that they and not we close an idle connection first. */
const KEEP_ALIVE_MS = 75_000;
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

async function drain(server: Server, timeoutMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
  const sweep = setInterval(() => server.closeIdleConnections(), DRAIN_STEP_MS);
  const force = setTimeout(() => server.closeAllConnections(), timeoutMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(force);
}
