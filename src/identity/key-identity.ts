import { GatewayError } from "../errors/gateway-error.ts";
import type { KeyedHash } from "../sealing/keyed-hash.ts";
import { chooseUser } from "./choose-user.ts";
import { credentialOf, secretOf } from "./credential.ts";
import { issuedKeyName } from "./issued-key.ts";
import type { KnownKeys } from "./known-keys.ts";
import { namedTenant, ownerOf } from "./namespaces.ts";
import type { Identity } from "./principal.ts";

export interface KeyIdentityOptions {
  readonly keys: KnownKeys;
  readonly keyedHash: KeyedHash;
  readonly userFromBody: boolean;
}

/** Keys that the gateway issued name tenant and user; the upstream never sees them. */
export function createKeyIdentity({ keys, keyedHash, userFromBody }: KeyIdentityOptions): Identity {
  return {
    async resolve(caller, hints) {
      const secret = secretOf(credentialOf(caller.headers));
      if (secret === "") throw new GatewayError("credential_missing", "a request without a key");
      const name = issuedKeyName(keyedHash, secret);
      const key = name === undefined ? undefined : await keys.find(name);
      // Unknown, revoked and expired look the same from outside.
      if (!key) throw new GatewayError("credential_refused", "not a key of this gateway, or not any more");
      const user = chooseUser(caller, hints, { fixedUser: key.user, userFromBody });
      const owner = ownerOf(keyedHash, namedTenant(keyedHash, key.tenant), user);
      return { owner, credential: undefined, limits: key.limits };
    },
    verify: async () => undefined,
  };
}
