import type { IncomingMessage } from "node:http";

import type { MiddlewareHandler } from "hono";

import { GatewayError } from "../../errors/gateway-error.ts";
import type { GatewayEnv } from "../gateway-env.ts";

/** Headers that decide who is asking for what: two different values would let two readers see two requests. */
const single = new Set(["host", "authorization", "api-key", "x-session-id", "x-user-id", "idempotency-key"]);

export function unambiguousHeaders(): MiddlewareHandler<GatewayEnv> {
  return async ({ env }, next) => {
    refuseAmbiguousHeaders(env.incoming);
    await next();
  };
}

/** @throws GatewayError `conflicting_session_id`, `invalid_header` */
export function refuseAmbiguousHeaders({ rawHeaders, headers }: IncomingMessage): void {
  // As many names as lines: none was said twice.
  if (Object.keys(headers).length === rawHeaders.length / 2) return;
  const seen = new Map<string, string>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? "";
    if (!single.has(name)) continue;
    const value = rawHeaders[index + 1] ?? "";
    const earlier = seen.get(name);
    if (earlier !== undefined && (name === "host" || earlier !== value)) throw conflicting(name);
    // Node joins what was said twice to "a, a", which would be another value.
    if (earlier !== undefined) headers[name] = value;
    seen.set(name, value);
  }
}

const conflicting = (name: string): GatewayError =>
  name === "x-session-id"
    ? new GatewayError("conflicting_session_id", "two X-Session-Id headers")
    : new GatewayError("invalid_header", `two ${name} headers`, {
        publicDetail: `The request has two ${name} headers.`,
      });
