import { LRUCache } from "lru-cache";

import { GatewayError } from "../errors/gateway-error.ts";
import type { Clock } from "../kit/clock.ts";
import type { KeyedHash } from "../sealing/keyed-hash.ts";
import { chooseUser } from "./choose-user.ts";
import { credentialOf, secretOf } from "./credential.ts";
import type { LoginGrant, LoginSource } from "./login-source.ts";
import { namedTenant, ownerOf } from "./namespaces.ts";
import type { Caller, CallerHints, Principal } from "./principal.ts";
import type { TokenVerifier, VerifiedToken } from "./token-verifier.ts";

export interface TokenIdentityOptions {
  readonly verifyToken: TokenVerifier;
  readonly keyedHash: KeyedHash;
  readonly clock: Clock;
  readonly userFromBody: boolean;
}

const REMEMBERED_MS = 60_000;
const MAX_REMEMBERED = 10_000;

/** Tokens of an identity provider name tenant and user; the upstream never sees them. */
export function createTokenIdentity(options: TokenIdentityOptions): LoginSource {
  const { keyedHash, clock, userFromBody } = options;
  const verify = rememberTokens(options);
  const grant = async (caller: Caller, hints?: CallerHints): Promise<LoginGrant> => {
    const secret = secretOf(credentialOf(caller.headers));
    if (secret === "") throw new GatewayError("credential_missing", "a request without a token");
    const { tenant, user, expiresAt } = await verify(secret);
    return {
      subject: namedTenant(keyedHash, tenant),
      user: chooseUser(caller, hints, { fixedUser: user, userFromBody }),
      endsAt: expiresAt,
    };
  };
  const principalOf = ({ subject, user }: LoginGrant): Principal => ({
    owner: ownerOf(keyedHash, subject, user),
    credential: undefined,
    limits: undefined,
  });
  return {
    resolve: async (caller, hints) => principalOf(await grant(caller, hints)),
    verify: async () => undefined,
    grant,
    async revive(granted) {
      if (granted.endsAt !== undefined && granted.endsAt <= clock()) {
        throw new GatewayError("credential_refused", "the token that a login was exchanged for has expired");
      }
      return principalOf(granted);
    },
  };
}

/** Checking a signature costs more than the rest of a turn; a token is the same for as long as it is valid. */
function rememberTokens({ verifyToken, keyedHash, clock }: TokenIdentityOptions): TokenVerifier {
  const verified = new LRUCache<string, VerifiedToken & { readonly until: number }>({ max: MAX_REMEMBERED });
  return async (token) => {
    const name = keyedHash.hash("cache-key", "token", token);
    const held = verified.get(name);
    const now = clock();
    if (held && now < held.until) return held;
    const read = await verifyToken(token);
    verified.set(name, { ...read, until: Math.min(read.expiresAt, now + REMEMBERED_MS) });
    return read;
  };
}
