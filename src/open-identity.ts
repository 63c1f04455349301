import type { GatewayConfig } from "./config/gateway-config.ts";
import { describeError } from "./errors/describe-error.ts";
import { withAnonymous } from "./identity/anonymous-identity.ts";
import type { BrowserLogins } from "./identity/browser-logins.ts";
import { createBrowserLogins } from "./identity/create-browser-logins.ts";
import { createKeyIdentity } from "./identity/key-identity.ts";
import { createKnownKeys } from "./identity/known-keys.ts";
import { createLoginIdentity } from "./identity/login-identity.ts";
import type { LoginSource } from "./identity/login-source.ts";
import { createLogins } from "./identity/logins.ts";
import { createPassthroughIdentity } from "./identity/passthrough-identity.ts";
import type { Identity } from "./identity/principal.ts";
import { createRefusalNotes, withRefusalNotes } from "./identity/refusal-notes.ts";
import { createTenantBook } from "./identity/tenant-book.ts";
import { openTenantLinks } from "./identity/tenant-links.ts";
import { createTokenIdentity } from "./identity/token-identity.ts";
import type { TokenVerifier } from "./identity/token-verifier.ts";
import type { Clock } from "./kit/clock.ts";
import type { Log } from "./kit/log.ts";
import { isLoopback } from "./kit/loopback.ts";
import type { NoticeListener } from "./store/notice-listener.ts";
import type { Upstream } from "./upstream/upstream.ts";
import type { Vault } from "./vault.ts";

export interface IdentityParts {
  readonly vault: Vault;
  readonly notices: NoticeListener;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly log: Log;
}

export interface OpenedIdentity {
  readonly identity: Identity;
  /** `undefined` where callers bring a credential of the upstream's own: a login would have to keep it. */
  readonly logins: BrowserLogins | undefined;
}

/** The ways to know a caller that the configuration chose. Rejects when the store cannot tell what they depend on. */
export async function openIdentity(config: GatewayConfig, parts: IdentityParts): Promise<OpenedIdentity> {
  const { keyedHash, audit } = parts.vault;
  const note = createRefusalNotes(audit, parts.clock);
  const isAnonymous = config.identity.anonymous === "minted";
  const complete = (identity: Identity): Identity =>
    withRefusalNotes(isAnonymous ? withAnonymous(identity, keyedHash) : identity, note);
  if (config.identity.mode === "passthrough") {
    return { identity: complete(await openPassthrough(config, parts)), logins: undefined };
  }
  const source = await openLoginSource(config, parts);
  const { idleSeconds, absoluteSeconds, sameSite } = config.identity.cookie;
  // As browsers write them.
  const origins = config.http.cors.origins.map((origin) => new URL(origin).origin);
  const logins = createLogins({
    ...parts.vault,
    source,
    records: parts.vault.store.records,
    clock: parts.clock,
    idleMs: idleSeconds * 1_000,
    absoluteMs: absoluteSeconds * 1_000,
  });
  return {
    identity: complete(createLoginIdentity({ source, logins, origins })),
    logins: createBrowserLogins({ logins, origins, sameSite, note }),
  };
}

async function openLoginSource(config: GatewayConfig, { vault, notices, clock }: IdentityParts): Promise<LoginSource> {
  const { mode, userFromBody } = config.identity;
  const { store, recordSealer, keyedHash } = vault;
  if (mode === "jwt") {
    const verifyToken = await openTokens(config, clock);
    return createTokenIdentity({ verifyToken, keyedHash, clock, userFromBody });
  }
  const keys = createKnownKeys({ records: store.records, recordSealer, notices, clock });
  return createKeyIdentity({ keys, keyedHash, userFromBody });
}

/** Long enough to be no flood door to the provider, short enough for a key that came with a rotation. */
const JWKS_COOLDOWN_MS = 10_000;

/** Its library is loaded where it is needed: fifty files that others need not wait for. */
async function openTokens({ identity: { jwt } }: GatewayConfig, clock: Clock): Promise<TokenVerifier> {
  const { createTokenVerifier } = await import("./identity/token-verifier.ts");
  const { jwksUrl = "", issuer = "", audience = "", tenantClaim, ...rest } = jwt;
  return createTokenVerifier({
    ...rest,
    jwksUrl,
    issuer,
    audience,
    tenantClaim,
    cooldownMs: JWKS_COOLDOWN_MS,
    clock,
  });
}

async function openPassthrough({ identity, http, upstream: { apiKey } }: GatewayConfig, parts: IdentityParts) {
  const { vault, notices, upstream, clock, log } = parts;
  const { records } = vault.store;
  const links = await openTenantLinks({
    records,
    recordSealer: vault.recordSealer,
    notices,
    onFailure: (error) => log.error({ cause: describeError(error) }, "tenant links not read; the old ones stay"),
  });
  return createPassthroughIdentity({
    keyedHash: vault.keyedHash,
    upstream,
    clock,
    allowPlaceholders: isLoopback(http.host),
    userFromBody: identity.userFromBody,
    tenants: createTenantBook(identity.tenants),
    links,
    isShared: apiKey !== undefined,
  });
}
