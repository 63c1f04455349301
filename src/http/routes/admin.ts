import { Hono } from "hono";

import type { AuditLog, AuditReader } from "../../audit/audit-log.ts";
import type { Secret } from "../../kit/secret.ts";
import type { GatewayEnv } from "../gateway-env.ts";
import type { HttpSettings } from "../http-settings.ts";
import { requireAdminKey } from "../middleware/require-admin-key.ts";
import { auditTrail } from "./audit-trail.ts";
import { users, type UsersRouteParts } from "./users.ts";

export interface AdminParts {
  readonly adminKey: Secret;
  readonly audit: AuditLog;
  readonly auditReader: AuditReader;
  readonly users: UsersRouteParts;
}

/** For operators, under a key of its own. Mounted only where one is configured: without it there is nothing here. */
export function admin(parts: AdminParts, settings: HttpSettings): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  app.use(requireAdminKey(parts, settings));
  app.route("/audit", auditTrail(parts, settings));
  app.route("/users", users(parts.users, settings));
  return app;
}
