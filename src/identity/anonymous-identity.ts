import type { KeyedHash } from "../sealing/keyed-hash.ts";
import { credentialOf } from "./credential.ts";
import { loginTokenOf } from "./login-cookie.ts";
import type { Identity } from "./principal.ts";

/**
 * Also lets those in who bring nothing but the id of a session that the gateway minted. Each such session is a
 * namespace of its own, so that who guesses one finds no others, and who names one himself finds nothing.
 */
export function withAnonymous(identity: Identity, keyedHash: KeyedHash): Identity {
  return {
    resolve(caller, hints) {
      const { headers } = caller;
      const sessionId = hints?.sessionId;
      const isKnown = credentialOf(headers) !== undefined || loginTokenOf(headers) !== undefined;
      if (isKnown || sessionId === undefined) return identity.resolve(caller, hints);
      const owner = keyedHash.hash("owner", "anonymous", sessionId);
      return { owner, credential: undefined, limits: undefined, anonymous: true };
    },
    async verify(principal, caller) {
      if (!principal.anonymous) await identity.verify(principal, caller);
    },
  };
}
