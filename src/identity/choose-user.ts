import { GatewayError } from "../errors/gateway-error.ts";
import type { Caller, CallerHints } from "./principal.ts";

export interface UserRule {
  /** The user the credential itself names, "" included; nobody else can be spoken for with it. */
  readonly fixedUser: string | undefined;
  /** Whether the request body may name the user where `X-User-Id` does not. */
  readonly userFromBody: boolean;
}

/**
 * The end user a request is for: `X-User-Id` subdivides a tenant on the authority of a credential that is nobody's in
 * particular. "" is the tenant's default user.
 *
 * @throws GatewayError `invalid_user_id`, `user_conflict`
 */
export function chooseUser({ headers }: Caller, hints: CallerHints | undefined, rule: UserRule): string {
  const { fixedUser, userFromBody } = rule;
  const named = userIn(headers["x-user-id"]) ?? (userFromBody ? hints?.userFromBody : undefined);
  if (fixedUser === undefined) return named ?? "";
  if (named !== undefined && named !== fixedUser) {
    throw new GatewayError("user_conflict", "a credential with a fixed user was used for another");
  }
  return fixedUser;
}

function userIn(value: string | string[] | undefined): string | undefined {
  if (value === undefined) return undefined;
  // Printable only: the id comes from another system and must not be cut, folded or split on its way here.
  if (typeof value !== "string" || !isPrintableName(value)) {
    throw new GatewayError("invalid_user_id", "X-User-Id out of bounds");
  }
  return value;
}

export const isPrintableName = (value: string): boolean => /^[^\u0000-\u001f\u007f]{1,256}$/.test(value);
