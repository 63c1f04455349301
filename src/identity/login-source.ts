import type { Caller, Identity, Principal } from "./principal.ts";

/** What a login remembers of the credential it was exchanged for: enough to know the principal, never the credential. */
export interface LoginGrant {
  /** Names who vouches: the record of a key, the tenant of a token. */
  readonly subject: string;
  readonly user: string;
  /** When the credential ends by itself, and its logins with it. */
  readonly endsAt: number | undefined;
}

/** An identity whose credentials a browser can exchange for a login. */
export interface LoginSource extends Identity {
  /** @throws GatewayError as `resolve` does */
  grant(caller: Caller): Promise<LoginGrant>;
  /** @throws GatewayError `credential_refused` once the credential was revoked or has expired */
  revive(grant: LoginGrant): Promise<Principal>;
}
