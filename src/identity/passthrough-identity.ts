import { GatewayError } from "../errors/gateway-error.ts";
import type { Clock } from "../kit/clock.ts";
import type { KeyedHash } from "../sealing/keyed-hash.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { chooseUser } from "./choose-user.ts";
import { createCredentialCheck } from "./credential-check.ts";
import { credentialOf, secretOf } from "./credential.ts";
import { namedTenant, ownerOf, tenantOfSecret } from "./namespaces.ts";
import type { Identity } from "./principal.ts";
import type { TenantBook } from "./tenant-book.ts";
import type { TenantLinks } from "./tenant-links.ts";

interface PassthroughOptions {
  readonly keyedHash: KeyedHash;
  readonly upstream: Upstream;
  readonly clock: Clock;
  /** Whether a key that many strangers use may name a tenant: only where nobody else can reach the gateway. */
  readonly allowPlaceholders: boolean;
  readonly userFromBody: boolean;
  readonly tenants: TenantBook;
  readonly links: TenantLinks;
  /** Whether the gateway asks with a key of its own: then no upstream knows the caller's, and none can check it. */
  readonly isShared: boolean;
}

/** Keys that guides and clients fill in where none is needed; as tenants they would merge strangers. */
const placeholders = new Set([
  "empty",
  "none",
  "null",
  "undefined",
  "ollama",
  "lm-studio",
  "test",
  "dummy",
  "fake",
  "no-key",
  "not-needed",
  "your-api-key",
  "changeme",
  "sk-xxx",
  "sk-test",
  "sk-dummy",
  "sk-1234",
  "sk-no-key-required",
  "api-key",
  "anything",
]);
const runOfX = /^(?:sk-)?x+$/;

/**
 * The client's own upstream credential names the tenant; `X-User-Id` subdivides it on that credential's authority.
 * Behind a shared account a credential is good if the configuration lists it; where it lists none, any is.
 */
export function createPassthroughIdentity({
  keyedHash,
  upstream,
  clock,
  allowPlaceholders,
  userFromBody,
  tenants,
  links,
  isShared,
}: PassthroughOptions): Identity {
  const check = createCredentialCheck(upstream, keyedHash, clock);
  const tenantOf = (secret: string): string => {
    const name = tenants.find(secret);
    if (name !== undefined) return namedTenant(keyedHash, name);
    const own = tenantOfSecret(keyedHash, secret);
    const linked = links.find(own);
    if (linked === undefined && isShared && !tenants.isEmpty) {
      throw new GatewayError("credential_refused", "a credential that the configuration does not list");
    }
    return linked ?? own;
  };
  return {
    resolve(caller, hints) {
      const credential = credentialOf(caller.headers);
      const secret = secretOf(credential);
      if (secret === "") throw new GatewayError("credential_missing", "a session without a credential");
      if (!allowPlaceholders && isPlaceholder(secret)) {
        throw new GatewayError("credential_placeholder", "a placeholder key off loopback");
      }
      const user = chooseUser(caller, hints, { fixedUser: undefined, userFromBody });
      return { owner: ownerOf(keyedHash, tenantOf(secret), user), credential, limits: undefined };
    },
    async verify({ credential }, { headers }) {
      if (!isShared) await check(credential, headers);
    },
  };
}

const isPlaceholder = (secret: string): boolean => {
  const folded = secret.toLowerCase();
  return placeholders.has(folded) || runOfX.test(folded);
};
