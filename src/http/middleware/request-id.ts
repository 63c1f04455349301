import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";

import type { MiddlewareHandler } from "hono";

import type { GatewayEnv } from "../gateway-env.ts";

/** Names every request: the client's own `X-Request-Id` where it is plain, else a new one. */
export function requestId(): MiddlewareHandler<GatewayEnv> {
  return async (context, next) => {
    context.set("requestId", requestIdOf(context.env.incoming));
    await next();
  };
}

export function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers["x-request-id"];
  return typeof given === "string" && /^[\w-]{1,64}$/.test(given) ? given : randomUUID();
}
