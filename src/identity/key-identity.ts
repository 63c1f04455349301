import { GatewayError } from "../errors/gateway-error.ts";
import type { KeyedHash } from "../sealing/keyed-hash.ts";
import { chooseUser } from "./choose-user.ts";
import { credentialOf, secretOf } from "./credential.ts";
import { issuedKeyName } from "./issued-key.ts";
import type { KnownKeys } from "./known-keys.ts";
import type { LoginGrant, LoginSource } from "./login-source.ts";
import { namedTenant, ownerOf } from "./namespaces.ts";
import type { Caller, CallerHints, Principal } from "./principal.ts";

export interface KeyIdentityOptions {
  readonly keys: KnownKeys;
  readonly keyedHash: KeyedHash;
  readonly userFromBody: boolean;
}

/** Keys that the gateway issued name tenant and user; the upstream never sees them. */
export function createKeyIdentity({ keys, keyedHash, userFromBody }: KeyIdentityOptions): LoginSource {
  const find = async (name: string | undefined) => {
    const key = name === undefined ? undefined : await keys.find(name);
    // Unknown, revoked and expired look the same from outside.
    if (!key) throw new GatewayError("credential_refused", "not a key of this gateway, or not any more");
    return key;
  };
  const grant = async (caller: Caller, hints?: CallerHints): Promise<LoginGrant> => {
    const secret = secretOf(credentialOf(caller.headers));
    if (secret === "") throw new GatewayError("credential_missing", "a request without a key");
    const subject = issuedKeyName(keyedHash, secret) ?? "";
    const { user, expiresAt } = await find(subject === "" ? undefined : subject);
    return { subject, user: chooseUser(caller, hints, { fixedUser: user, userFromBody }), endsAt: expiresAt };
  };
  const revive = async ({ subject, user }: LoginGrant): Promise<Principal> => {
    const { tenant, limits } = await find(subject);
    return { owner: ownerOf(keyedHash, namedTenant(keyedHash, tenant), user), credential: undefined, limits };
  };
  return {
    resolve: async (caller, hints) => revive(await grant(caller, hints)),
    verify: async () => undefined,
    grant,
    revive,
  };
}
