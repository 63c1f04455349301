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
  const begun = new WeakMap<Duplex, ServerResponse[]>();
  return {
    track(response) {
      const { socket } = response.req;
      const before = begun.get(socket);
      // A list of one is the rule: who sends the next request before the answer is rare.
      if (before?.length === 1 && isClosed(before[0])) before[0] = response;
      else begun.set(socket, [...(before ?? []).filter((other) => !isClosed(other)), response]);
    },
    answer(error, socket) {
      const isMidAnswer = (begun.get(socket) ?? []).some((response) => response.headersSent && !isClosed(response));
      // A second head inside a running answer would be taken for a part of it, or for the next one's.
      if (isMidAnswer || error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
      socket.end(rawAnswer(new GatewayError(codes[error.code ?? ""] ?? "malformed_http", "not a request"), log));
    },
  };
}

/** Wholly written, or given up. */
const isClosed = (response: ServerResponse | undefined): boolean => response === undefined || response.closed;

/** Nothing of what was sent is in it: it may have been anything. */
function rawAnswer(error: GatewayError, log: Log): string {
  const { status, headers, body } = errorAnswer(error, randomUUID(), log);
  const all = { ...headers, "cache-control": "no-store", connection: "close" };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`, ...lines, "", body].join("\r\n");
}
