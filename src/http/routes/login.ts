import { Hono } from "hono";

import type { BrowserLogins } from "../../identity/browser-logins.ts";
import type { Caller, Identity, Principal } from "../../identity/principal.ts";
import { recover } from "../../kit/awaitable.ts";
import type { Limiter } from "../../limits/limiter.ts";
import type { GatewayEnv } from "../gateway-env.ts";
import type { HttpSettings } from "../http-settings.ts";

interface LoginRouteParts {
  readonly logins: BrowserLogins;
  readonly identity: Identity;
  readonly limiter: Limiter;
  readonly settings: HttpSettings;
}

/** The token stands in `Set-Cookie` and nowhere else: no script and no log can read it (ASVS 5, 3.3.4). */
export function login({ logins, identity, limiter, settings: { caller } }: LoginRouteParts): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  // A wrong credential is refused below, where it is noted; nobody's calls are counted for it.
  const count = async (asking: Caller): Promise<void> => {
    const principal = await recover<Principal | undefined>(
      () => identity.resolve(asking),
      () => undefined,
    );
    if (principal) await limiter.call(principal);
  };
  app.post("/login", async ({ env: { incoming } }) => {
    const asking = caller(incoming);
    await count(asking);
    return noContent(await logins.login(asking));
  });
  app.post("/logout", async ({ env: { incoming } }) => noContent(await logins.logout(caller(incoming))));
  return app;
}

const noContent = (cookie: string): Response => new Response(null, { status: 204, headers: { "set-cookie": cookie } });
