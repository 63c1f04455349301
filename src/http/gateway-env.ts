import type { HttpBindings } from "@hono/node-server";

/** What middleware and routes share through Hono's context. */
export interface GatewayEnv {
  Bindings: HttpBindings;
  Variables: { requestId: string };
}
