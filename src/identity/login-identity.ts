import { GatewayError } from "../errors/gateway-error.ts";
import { chooseUser } from "./choose-user.ts";
import { credentialOf } from "./credential.ts";
import { loginTokenOf } from "./login-cookie.ts";
import type { LoginSource } from "./login-source.ts";
import type { Logins } from "./logins.ts";
import type { Caller, Identity } from "./principal.ts";

export interface LoginIdentityOptions {
  readonly source: LoginSource;
  readonly logins: Logins;
  /** Besides the gateway's own. */
  readonly origins: readonly string[];
}

/** Also knows browsers by the cookie of their login. A credential in the request is stronger: its cookie is not looked at. */
export function createLoginIdentity({ source, logins, origins }: LoginIdentityOptions): Identity {
  return {
    async resolve(caller, hints) {
      const isByCookie = credentialOf(caller.headers) === undefined && loginTokenOf(caller.headers) !== undefined;
      if (!isByCookie) return source.resolve(caller, hints);
      refuseForgery(caller, origins);
      const grant = await logins.resume(caller);
      chooseUser(caller, hints, { fixedUser: grant.user, userFromBody: false });
      return source.revive(grant);
    },
    verify: (principal, caller) => source.verify(principal, caller),
  };
}

/**
 * A browser sends the cookie along with whatever page asks. Only scripts of an origin that may can set a header of our
 * own (ASVS 5, 3.5.1), and the origin is looked at as well.
 *
 * @throws GatewayError `csrf_header_missing`
 */
export function refuseForgery({ method, headers }: Caller, origins: readonly string[]): void {
  if (method === "GET" || method === "HEAD") return;
  if (headers["x-stategate-csrf"] !== "1") throw new GatewayError("csrf_header_missing", "a cookie without the header");
  const { origin, host } = headers;
  if (origin === undefined || origins.includes(origin) || hostOf(origin) === host) return;
  throw new GatewayError("csrf_header_missing", "a cookie from another origin", {
    publicDetail: "A request by cookie is refused from a page of another origin.",
  });
}

const hostOf = (origin: string): string | undefined => (URL.canParse(origin) ? new URL(origin).host : undefined);
