import type { IncomingHttpHeaders } from "node:http";

import { GatewayError } from "../errors/gateway-error.ts";
import type { Clock } from "../kit/clock.ts";
import type { KeyedHash } from "../sealing/keyed-hash.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { createCredentialCheck } from "./credential-check.ts";
import type { Credential, Identity } from "./principal.ts";

interface PassthroughOptions {
  readonly keyedHash: KeyedHash;
  readonly upstream: Upstream;
  readonly clock: Clock;
  /** Whether a key that many strangers use may name a tenant: only where nobody else can reach the gateway. */
  readonly allowPlaceholders: boolean;
  readonly userFromBody: boolean;
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

/** The client's own upstream credential names the tenant; `X-User-Id` subdivides it on that credential's authority. */
export function createPassthroughIdentity({
  keyedHash,
  upstream,
  clock,
  allowPlaceholders,
  userFromBody,
}: PassthroughOptions): Identity {
  const verify = createCredentialCheck(upstream, keyedHash, clock);
  return {
    async resolve({ headers }, hints) {
      const credential = credentialOf(headers);
      const secret = credential?.value.replace(/^bearer(?:\s+|$)/i, "").trim();
      if (!credential || !secret) throw new GatewayError("credential_missing", "a session without a credential");
      if (!allowPlaceholders && isPlaceholder(secret)) {
        throw new GatewayError("credential_placeholder", "a placeholder key off loopback");
      }
      const tenant = keyedHash.hash("tenant", secret);
      const user = userOf(headers) ?? (userFromBody ? hints?.userFromBody : undefined) ?? "";
      return { owner: keyedHash.hash("owner", tenant, user), credential, limits: undefined };
    },
    verify: ({ credential }, { headers }) => verify(credential, headers),
  };
}

function credentialOf(headers: IncomingHttpHeaders): Credential | undefined {
  if (headers.authorization) return { header: "authorization", value: headers.authorization };
  const azureKey = headers["api-key"];
  return typeof azureKey === "string" && azureKey !== "" ? { header: "api-key", value: azureKey } : undefined;
}

function userOf(headers: IncomingHttpHeaders): string | undefined {
  const user = headers["x-user-id"];
  if (user === undefined) return undefined;
  // Printable only: the id comes from another system and must not be cut, folded or split on its way here.
  if (typeof user !== "string" || !/^[^\u0000-\u001f\u007f]{1,256}$/.test(user)) {
    throw new GatewayError("invalid_user_id", "X-User-Id out of bounds");
  }
  return user;
}

const isPlaceholder = (secret: string): boolean => {
  const folded = secret.toLowerCase();
  return placeholders.has(folded) || runOfX.test(folded);
};
