import { z } from "zod";

import { count, toSecret } from "./schema-parts.ts";

export const identity = z.strictObject({
  mode: z
    .enum(["passthrough", "keys", "jwt"])
    .default("passthrough")
    .describe(
      "passthrough: the caller's own upstream credential is forwarded, and a keyed hash of it is the tenant; keys: keys that `stategate keys issue` made; jwt: tokens of your identity provider.",
    ),
  anonymous: z
    .enum(["off", "minted"])
    .default("off")
    .describe(
      "minted: callers without a credential may use sessions that the gateway named (X-Session-Id: new). Needs upstream.apiKey.",
    ),
  tenants: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(256),
        credentials: z.array(z.string().min(1).transform(toSecret)).min(1),
      }),
    )
    .prefault([])
    .describe(
      "passthrough: several keys of one tenant, as {name: acme, credentials: [key, sha256:<hex of the key's SHA-256>]}.",
    ),
  jwt: z
    .strictObject({
      jwksUrl: z
        .exactOptional(
          z.url({ protocol: /^https?$/ }).meta({ examples: ["https://id.example.com/.well-known/jwks.json"] }),
        )
        .describe("Where the public keys of your identity provider are."),
      issuer: z
        .exactOptional(
          z
            .string()
            .min(1)
            .meta({ examples: ["https://id.example.com/"] }),
        )
        .describe("What the token's iss must be."),
      audience: z
        .exactOptional(
          z
            .string()
            .min(1)
            .meta({ examples: ["stategate"] }),
        )
        .describe("What the token's aud must name."),
      algorithms: z
        .array(z.enum(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]))
        .min(1)
        .default(["RS256", "ES256", "EdDSA"]),
      tenantClaim: z
        .exactOptional(
          z
            .string()
            .min(1)
            .meta({ examples: ["org_id"] }),
        )
        .describe("Default: the issuer is the tenant."),
      userClaim: z.string().min(1).default("sub"),
      clockToleranceSeconds: z.int().min(0).max(300).default(5),
    })
    .prefault({}),
  cookie: z
    .strictObject({
      idleSeconds: count().default(1_800).describe("A login that is not used for so long has ended."),
      absoluteSeconds: count().default(43_200).describe("No login lives longer, however busy it is."),
      sameSite: z.enum(["strict", "lax", "none"]).default("strict"),
    })
    .prefault({})
    .describe("Logins of browsers (POST /v1/login), in keys and jwt mode."),
  sessionIdFrom: z
    .array(z.enum(["metadata.session_id", "prompt_cache_key", "x-session-affinity", "conversation"]))
    .default([])
    .describe(
      "Where else than in X-Session-Id a request may name its session: metadata.session_id, prompt_cache_key, x-session-affinity, conversation.",
    ),
  userFromBody: z
    .boolean()
    .default(false)
    .describe("Let the body's safety_identifier or user name the end user where X-User-Id is absent."),
  adminKey: z
    .exactOptional(
      z
        .string()
        .min(16)
        .meta({ examples: ["<openssl rand -hex 32>"] })
        .transform(toSecret),
    )
    .describe("Bearer of /admin/*, which is off without it. Better set as STATEGATE_ADMIN_KEY."),
});
