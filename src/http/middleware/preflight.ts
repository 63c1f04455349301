import type { MiddlewareHandler } from "hono";

import { isPreflight } from "../cors.ts";
import type { GatewayEnv } from "../gateway-env.ts";

/** A browser's question is answered here, never by the upstream; the headers say yes, or nothing. */
export function preflight(): MiddlewareHandler<GatewayEnv> {
  return async ({ env }, next) => (isPreflight(env.incoming) ? new Response(null, { status: 204 }) : next());
}
