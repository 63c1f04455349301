import type { Caller } from "./principal.ts";

/** Logins as browsers see them: each call resolves to the value of `Set-Cookie`. */
export interface BrowserLogins {
  /** @throws GatewayError when the caller brings no credential, or a wrong one */
  login(caller: Caller): Promise<string>;
  /** @throws GatewayError `csrf_header_missing` */
  logout(caller: Caller): Promise<string>;
}
