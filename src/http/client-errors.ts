import { randomUUID } from "node:crypto";
import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

import type { ErrorCode } from "../errors/error-catalog.ts";
import { GatewayError } from "../errors/gateway-error.ts";
import type { Log } from "../kit/log.ts";
import { errorAnswer } from "./error-response.ts";

/** What comes over a connection and never becomes a request. */
export interface ClientErrors {
  /** Every answer that is begun, so that none is written into. */
  track(response: ServerResponse): void;
  /** For the server's `clientError`: answers in the shape of every other failure, and closes. */
  answer(error: NodeJS.ErrnoException, socket: Duplex): void;
}

const codes: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: "headers_too_large",
  ERR_HTTP_REQUEST_TIMEOUT: "request_timeout",
};

export function createClientErrors(log: Log): ClientErrors {
  const unfinished = new WeakMap<Duplex, Set<ServerResponse>>();
  return {
    track(response) {
      const { socket } = response.req;
      const ofSocket = unfinished.get(socket) ?? new Set();
      unfinished.set(socket, ofSocket.add(response));
      response.once("close", () => ofSocket.delete(response));
    },
    answer(error, socket) {
      const isMidAnswer = [...(unfinished.get(socket) ?? [])].some(({ headersSent }) => headersSent);
      // A second head inside a running answer would be taken for a part of it, or for the next one's.
      if (isMidAnswer || error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
      socket.end(rawAnswer(new GatewayError(codes[error.code ?? ""] ?? "malformed_http", "not a request"), log));
    },
  };
}

/** Nothing of what was sent is in it: it may have been anything. */
function rawAnswer(error: GatewayError, log: Log): string {
  const { status, headers, body } = errorAnswer(error, randomUUID(), log);
  const all = { ...headers, "cache-control": "no-store", connection: "close" };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`, ...lines, "", body].join("\r\n");
}
