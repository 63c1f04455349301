import type { IncomingHttpHeaders } from "node:http";

import type { Awaitable } from "../kit/awaitable.ts";
import type { Limits } from "../limits/limits.ts";

/** A caller's upstream credential as the header it came in. Lives in memory only, and no longer than its request's upkeep. */
export interface Credential {
  readonly header: "authorization" | "api-key";
  readonly value: string;
}

/** A request, as far as it matters who sent it. */
export interface Caller {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** The client's address; `X-Forwarded-For` has been read only where a configured proxy sent it. */
  readonly address: string;
}

/** Who a request acts for: tenant and user, from a verified credential; never from a session id that a client chose. */
export interface Principal {
  /** Keyed hash of tenant and user: the only form in which stores see them. */
  readonly owner: string;
  /** What the upstream is asked with; `undefined` where the gateway's own key is used. */
  readonly credential: Credential | undefined;
  /** What the credential itself allows; `undefined` leaves what the configuration says. */
  readonly limits: Limits | undefined;
  /** True for a caller known by nothing but a session that the gateway minted: any other id is nobody's for him. */
  readonly anonymous?: boolean;
}

/** What a request says besides its headers. */
export interface CallerHints {
  /** What the request body calls its end user; it counts only where the configuration says so. */
  readonly userFromBody?: string | undefined;
  /** The session asked for: an anonymous caller has nothing else to be known by. */
  readonly sessionId?: string | undefined;
}

/** One way to know the principal. */
export interface Identity {
  /**
   * At once where nothing has to be looked up.
   *
   * @throws GatewayError `credential_missing`, `credential_placeholder`, `credential_refused`, `invalid_user_id`,
   * `user_conflict`, `csrf_header_missing`; `store_unavailable` or `identity_unavailable` when who it is cannot be known now
   */
  resolve(caller: Caller, hints?: CallerHints): Awaitable<Principal>;
  /**
   * For routes that no upstream checks: whether the credential is still good.
   * @throws GatewayError `credential_refused`, or the upstream's own failure: then nothing is read either
   */
  verify(principal: Principal, caller: Caller): Promise<void>;
}
