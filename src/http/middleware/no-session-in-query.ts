import type { MiddlewareHandler } from "hono";

import type { GatewayEnv } from "../gateway-env.ts";
import { refuseSessionInQuery } from "../session-name.ts";

/** For every route there is, also those that would not look at it. */
export function noSessionInQuery(): MiddlewareHandler<GatewayEnv> {
  return async ({ env }, next) => {
    refuseSessionInQuery(env.incoming.url ?? "");
    await next();
  };
}
