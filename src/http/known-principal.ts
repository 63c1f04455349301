import { GatewayError } from "../errors/gateway-error.ts";
import type { Caller, Identity, Principal } from "../identity/principal.ts";

/** Who asks, for requests that the upstream judges by itself: one without a credential of its own is nobody we know. */
export async function knownPrincipal(identity: Identity, caller: Caller): Promise<Principal | undefined> {
  try {
    return await identity.resolve(caller);
  } catch (error) {
    if (error instanceof GatewayError && unknowns.has(error.code)) return undefined;
    throw error;
  }
}

const unknowns = new Set<string>(["credential_missing", "credential_placeholder"]);
