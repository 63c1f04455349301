import { Hono } from "hono";

import type { AuditLog, AuditReader, ListedEntry } from "../../audit/audit-log.ts";
import { GatewayError } from "../../errors/gateway-error.ts";
import type { GatewayEnv } from "../gateway-env.ts";
import type { HttpSettings } from "../http-settings.ts";
import { parsePage } from "../page.ts";

interface AuditTrailParts {
  readonly audit: AuditLog;
  readonly auditReader: AuditReader;
}

/** The audit log, newest entry first. Who reads it is in it. */
export function auditTrail({ audit, auditReader }: AuditTrailParts, settings: HttpSettings): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  app.get("/", async (context) => {
    const query = context.req.query();
    const { event, user } = query;
    if (user !== undefined && !USER_ID.test(user)) throw wrongUser();
    const { limit, after } = parsePage({ ...query, order: "desc" }, "desc");
    const { address } = settings.caller(context.env.incoming);
    // On record before it is answered: nobody reads the log unseen, and what was recorded just now is in the answer.
    audit.record({ event: "sensitive_read", reason: "audit_log", address });
    await audit.flush();
    const { entries, cursor, hasMore } = await auditReader.latest({ limit, after, event, user });
    const data = entries.map(showEntry);
    return context.json({
      object: "list",
      data,
      first_id: data[0]?.id ?? null,
      last_id: cursor ?? null,
      has_more: hasMore,
    });
  });
  return app;
}

const USER_ID = /^[\w-]{43}$/;

const wrongUser = (): GatewayError =>
  new GatewayError("invalid_parameter", "malformed user id", {
    publicDetail: "'user' is no user's id.",
    param: "user",
  });

const showEntry = ({ id, at, event, subject, reason, counts, missing, address }: ListedEntry) => ({
  id,
  object: "audit.entry",
  created_at: Math.floor(at / 1000),
  event,
  subject: subject ?? null,
  reason: reason ?? null,
  counts: counts ?? {},
  ...(missing !== undefined && { missing }),
  ...(address !== undefined && { address }),
});
