import { randomUUID } from "node:crypto";

import type { MiddlewareHandler } from "hono";

import type { GatewayEnv } from "../gateway-env.ts";

/** Names every request: the client's own `X-Request-Id` where it is plain, else a new one. */
export function requestId(): MiddlewareHandler<GatewayEnv> {
  return async (context, next) => {
    const given = context.env.incoming.headers["x-request-id"];
    context.set("requestId", typeof given === "string" && /^[\w-]{1,64}$/.test(given) ? given : randomUUID());
    await next();
  };
}
