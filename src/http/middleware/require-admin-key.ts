import { hash, timingSafeEqual } from "node:crypto";

import type { MiddlewareHandler } from "hono";

import type { AuditLog } from "../../audit/audit-log.ts";
import { GatewayError } from "../../errors/gateway-error.ts";
import type { Secret } from "../../kit/secret.ts";
import type { GatewayEnv } from "../gateway-env.ts";
import type { HttpSettings } from "../http-settings.ts";

interface AdminKeyParts {
  readonly adminKey: Secret;
  readonly audit: AuditLog;
}

export function requireAdminKey(
  { adminKey, audit }: AdminKeyParts,
  settings: HttpSettings,
): MiddlewareHandler<GatewayEnv> {
  const expected = hash("sha256", adminKey.expose(), "buffer");
  return async ({ env: { incoming } }, next) => {
    const [, given] = /^bearer +(\S+)$/i.exec(incoming.headers.authorization ?? "") ?? [];
    // Hashes have one length, so the comparison takes one time.
    if (given === undefined || !timingSafeEqual(hash("sha256", given, "buffer"), expected)) {
      audit.record({ event: "authn_login_fail", reason: "admin_key", address: settings.caller(incoming).address });
      throw new GatewayError("admin_refused", "no admin key, or another one");
    }
    await next();
  };
}
