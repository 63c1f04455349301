import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";

import { GatewayError } from "../errors/gateway-error.ts";
import type { Clock } from "../kit/clock.ts";
import { isPrintableName } from "./choose-user.ts";

export interface TokenVerifierOptions {
  readonly jwksUrl: string;
  readonly issuer: string;
  readonly audience: string;
  /** Asymmetric ones only: with a shared secret in the list, the public key would sign as well as the private one. */
  readonly algorithms: readonly string[];
  readonly tenantClaim: string | undefined;
  readonly userClaim: string;
  readonly clockToleranceSeconds: number;
  /** A token that names a key which is not there has the keys read again, but not more often than this. */
  readonly cooldownMs: number;
  readonly clock: Clock;
}

export interface VerifiedToken {
  readonly tenant: string;
  readonly user: string;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number;
}

/**
 * Who a token of the identity provider is for.
 * Rejects with GatewayError `credential_refused`, or `identity_unavailable` when the provider's keys cannot be read.
 */
export type TokenVerifier = (token: string) => Promise<VerifiedToken>;

/** Behind a request: a provider that is slow or away is nobody's problem. */
const REFRESH_AFTER_MS = 300_000;
/** Nobody asked for so long: a key may have been withdrawn, so the next token waits for what the provider says. */
const STALE_AFTER_MS = 600_000;
/** With the provider away the keys that are known go on serving, but not for ever: one of them may have been withdrawn. */
const TRUSTED_MS = 86_400_000;

export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { issuer, audience, clock } = options;
  const keys = createKeySource(options);
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: [...options.algorithms],
        requiredClaims: ["exp"],
        clockTolerance: options.clockToleranceSeconds,
        currentDate: new Date(clock()),
      });
      return readClaims(payload, options);
    } catch (cause) {
      if (cause instanceof GatewayError) throw cause;
      throw new GatewayError("credential_refused", "a token that does not verify", { cause });
    }
  };
}

/** Keys are found by the token's `kid` among the provider's alone; what else its header points to is not looked at. */
function createKeySource({ jwksUrl, cooldownMs, clock }: TokenVerifierOptions): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(new URL(jwksUrl), { cacheMaxAge: Infinity, cooldownDuration: cooldownMs });
  let loadedAt = -Infinity;
  let askedAt = -Infinity;
  let underWay: Promise<void> | undefined;
  const load = async (): Promise<void> => {
    askedAt = clock();
    await remote.reload();
    loadedAt = askedAt;
  };
  const reload = (): Promise<void> => (underWay ??= load().finally(() => (underWay = undefined)));
  /** Resolves too when the keys cannot be read: those that are known go on serving. */
  const refresh = async (): Promise<void> => {
    if (underWay || clock() - askedAt > REFRESH_AFTER_MS) await reload().catch(() => undefined);
  };
  return async (header, token) => {
    try {
      const age = clock() - loadedAt;
      if (age > TRUSTED_MS) await reload();
      else if (age > STALE_AFTER_MS) await refresh();
      else void refresh();
      return await remote(header, token);
    } catch (cause) {
      if (isAboutToken(cause)) throw cause;
      throw new GatewayError("identity_unavailable", "the identity provider's keys cannot be read", { cause });
    }
  };
}

const isAboutToken = (error: unknown): boolean =>
  error instanceof errors.JWKSNoMatchingKey ||
  error instanceof errors.JWKSMultipleMatchingKeys ||
  error instanceof errors.JOSENotSupported;

function readClaims(payload: JWTPayload, { issuer, tenantClaim, userClaim }: TokenVerifierOptions): VerifiedToken {
  const tenant = tenantClaim === undefined ? issuer : payload[tenantClaim];
  const user = payload[userClaim];
  if (typeof tenant !== "string" || !isPrintableName(tenant) || typeof user !== "string" || !isPrintableName(user)) {
    throw new GatewayError("credential_refused", "a token that does not say whose it is");
  }
  return { tenant, user, expiresAt: (payload.exp ?? 0) * 1_000 };
}
