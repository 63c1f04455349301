import { Hono } from "hono";

import type { BrowserLogins } from "../../identity/browser-logins.ts";
import type { GatewayEnv } from "../gateway-env.ts";
import type { HttpSettings } from "../http-settings.ts";

/** The token stands in `Set-Cookie` and nowhere else: no script and no log can read it (ASVS 5, 3.3.4). */
export function login(logins: BrowserLogins, { caller }: HttpSettings): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  app.post("/login", async ({ env: { incoming } }) => noContent(await logins.login(caller(incoming))));
  app.post("/logout", async ({ env: { incoming } }) => noContent(await logins.logout(caller(incoming))));
  return app;
}

const noContent = (cookie: string): Response => new Response(null, { status: 204, headers: { "set-cookie": cookie } });
