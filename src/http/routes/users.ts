import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Context } from "hono";
import { Hono } from "hono";

import type { AuditLog } from "../../audit/audit-log.ts";
import { GatewayError } from "../../errors/gateway-error.ts";
import type { UserRights, UserSummary } from "../../users/user-rights.ts";
import type { GatewayEnv } from "../gateway-env.ts";
import type { HttpSettings } from "../http-settings.ts";
import { sendExport } from "../send-export.ts";
import { showReceipt, showUser } from "../show-user.ts";

export interface UsersRouteParts {
  readonly rights: UserRights;
  readonly audit: AuditLog;
  /** The id of a named tenant's user; "" is the tenant's default user. */
  readonly userId: (tenant: string, user: string) => string;
}

/** For operators: the same rights on a user's behalf, by his id. No content but in an export. */
export function users({ rights, audit, userId }: UsersRouteParts, settings: HttpSettings): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  const known = async (id: string): Promise<UserSummary> => {
    const summary = await rights.describe(id);
    if (!summary.isKnown) throw notFound();
    return summary;
  };

  app.get("/", async (context) => {
    const { tenant, user = "" } = context.req.query();
    if (tenant === undefined || tenant === "") throw tenantMissing();
    return context.json(showUser(await known(userId(tenant, user))));
  });
  app.get("/:id", async (context) => context.json(showUser(await known(idOf(context)))));
  app.get("/:id/export", async (context) => {
    const { id } = await known(idOf(context));
    const { address } = settings.caller(context.env.incoming);
    await sendExport({ rights, audit, client: context.env.outgoing, requestId: context.get("requestId") }, id, address);
    return RESPONSE_ALREADY_SENT;
  });
  // Also of a user who is not known any more: an erasure that broke off is repeated by the same call.
  app.delete("/:id", async (context) => context.json(showReceipt(await rights.erase(idOf(context)))));
  return app;
}

const USER_ID = /^[\w-]{43}$/;

function idOf(context: Context<GatewayEnv>): string {
  const id = context.req.param("id") ?? "";
  if (!USER_ID.test(id)) throw notFound();
  return id;
}

const notFound = (): GatewayError => new GatewayError("user_not_found", "nothing is stored under this id");

const tenantMissing = (): GatewayError =>
  new GatewayError("invalid_parameter", "no tenant", { publicDetail: "'tenant' must be given.", param: "tenant" });
