import type { IncomingHttpHeaders } from "node:http";

/** A caller's upstream credential as the header it came in. Lives in memory only, and no longer than its request's upkeep. */
export interface Credential {
  readonly header: "authorization" | "api-key";
  readonly value: string;
}

/** Who a request acts for: tenant and user, from a credential; never from the session id. */
export interface Principal {
  /** Keyed hash of tenant and user: the only form in which stores see them. */
  readonly owner: string;
  readonly credential: Credential;
}

/** One way to know the principal. */
export interface Identity {
  /**
   * `userFromBody` is what the request body calls its end user; it counts only where the configuration says so.
   * @throws GatewayError `credential_missing`, `credential_placeholder`, `invalid_user_id`
   */
  resolve(headers: IncomingHttpHeaders, userFromBody?: string): Principal;
}
