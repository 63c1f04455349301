import { GatewayError } from "../errors/gateway-error.ts";
import type { KeyedHash } from "../sealing/keyed-hash.ts";
import { chooseUser } from "./choose-user.ts";
import { credentialOf, secretOf } from "./credential.ts";
import { type IssuedKey, issuedKeyName } from "./issued-key.ts";
import type { KnownKeys } from "./known-keys.ts";
import type { LoginSource } from "./login-source.ts";
import { namedTenant, ownerOf } from "./namespaces.ts";
import type { Caller, CallerHints, Principal } from "./principal.ts";

export interface KeyIdentityOptions {
  readonly keys: KnownKeys;
  readonly keyedHash: KeyedHash;
  readonly userFromBody: boolean;
}

/** Keys that the gateway issued name tenant and user; the upstream never sees them. */
export function createKeyIdentity({ keys, keyedHash, userFromBody }: KeyIdentityOptions): LoginSource {
  const find = async (name: string | undefined): Promise<IssuedKey> => {
    const key = name === undefined ? undefined : await keys.find(name);
    // Unknown, revoked and expired look the same from outside.
    if (!key) throw new GatewayError("credential_refused", "not a key of this gateway, or not any more");
    return key;
  };
  const findPresented = async (caller: Caller, hints?: CallerHints) => {
    const secret = secretOf(credentialOf(caller.headers));
    if (secret === "") throw new GatewayError("credential_missing", "a request without a key");
    const name = issuedKeyName(keyedHash, secret);
    const key = await find(name);
    return { name, key, user: chooseUser(caller, hints, { fixedUser: key.user, userFromBody }) };
  };
  const principalOf = ({ tenant, limits }: IssuedKey, user: string): Principal => ({
    owner: ownerOf(keyedHash, namedTenant(keyedHash, tenant), user),
    credential: undefined,
    limits,
  });
  return {
    async resolve(caller, hints) {
      const { key, user } = await findPresented(caller, hints);
      return principalOf(key, user);
    },
    verify: async () => undefined,
    async grant(caller) {
      const { name = "", key, user } = await findPresented(caller);
      return { subject: name, user, endsAt: key.expiresAt };
    },
    revive: async ({ subject, user }) => principalOf(await find(subject), user),
  };
}
