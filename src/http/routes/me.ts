import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";

import type { AuditLog } from "../../audit/audit-log.ts";
import type { Caller, Identity } from "../../identity/principal.ts";
import type { UserRights } from "../../users/user-rights.ts";
import type { GatewayEnv } from "../gateway-env.ts";
import type { HttpSettings } from "../http-settings.ts";
import { sendExport } from "../send-export.ts";
import { showReceipt, showUser } from "../show-user.ts";

interface MeRouteParts {
  readonly identity: Identity;
  readonly rights: UserRights;
  readonly audit: AuditLog;
  readonly settings: HttpSettings;
}

/** A user's own rights: what is stored of him, all of it, and its end. */
export function me({ identity, rights, audit, settings }: MeRouteParts): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  const whoAsks = async ({ incoming }: GatewayEnv["Bindings"]): Promise<{ owner: string; caller: Caller }> => {
    const caller = settings.caller(incoming);
    const principal = await identity.resolve(caller);
    await identity.verify(principal, caller);
    return { owner: principal.owner, caller };
  };

  app.get("/", async (context) => {
    const { owner } = await whoAsks(context.env);
    return context.json(showUser(await rights.describe(owner)));
  });
  app.delete("/", async (context) => {
    const { owner } = await whoAsks(context.env);
    return context.json(showReceipt(await rights.erase(owner)));
  });
  app.get("/export", async ({ env, var: { requestId } }) => {
    const { owner, caller } = await whoAsks(env);
    await sendExport({ rights, audit, client: env.outgoing, requestId }, owner, caller.address);
    return RESPONSE_ALREADY_SENT;
  });
  return app;
}
