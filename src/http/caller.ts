import type { IncomingMessage } from "node:http";

import type { Caller } from "../identity/principal.ts";

/** Who sent a request, as far as the connection and its headers tell. */
export type CallerReader = (incoming: IncomingMessage) => Caller;

export function createCallerReader(): CallerReader {
  return ({ method = "GET", headers, socket }) => ({ method, headers, address: socket.remoteAddress ?? "" });
}
