import { randomUUID } from "node:crypto";

import { createUser, type User } from "./isolation-world.ts";
import { AUDIENCE, createSigningKey, ISSUER, type JwksServer, signToken, startJwksServer } from "./jwks-server.ts";
import { type CommandPlace, issueKey } from "./run-operator-command.ts";

/** A way to know callers, and a crowd that is known in it: of several tenants, with users of the same names. */
export interface IdentityMode {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  /** True where the gateway asks with a key of its own. */
  readonly sharesAccount: boolean;
  createUsers(place: CommandPlace): Promise<User[]>;
  close(): Promise<void>;
}

/** By different keys, by X-User-Id under one key, and by the same X-User-Id under another. */
export const passthroughMode = (): IdentityMode => ({
  name: "passthrough",
  env: {},
  sharesAccount: false,
  createUsers: async () => [
    createUser("ada", "sk-tenant-one"),
    createUser("bob", "sk-tenant-two"),
    createUser("cy", "sk-tenant-one", "shared-name"),
    createUser("dee", "sk-tenant-one", "other-name"),
    createUser("eve", "sk-tenant-two", "shared-name"),
    createUser("flo", "sk-tenant-one", "sk-tenant-two"),
  ],
  close: async () => undefined,
});

const ownKey = { STATEGATE_UPSTREAM__API_KEY: "sk-of-the-operator" };

/** Keys with a fixed user, and keys whose users are named by header; two tenants with the same names. */
export const keysMode = (): IdentityMode => ({
  name: "keys",
  env: { ...ownKey, STATEGATE_IDENTITY__MODE: "keys" },
  sharesAccount: true,
  async createUsers(place) {
    const one = await issueKey(["--tenant", "one"], place);
    const two = await issueKey(["--tenant", "two"], place);
    const fixed = (tenant: string): Promise<string> => issueKey(["--tenant", tenant, "--user", "fixed-name"], place);
    return [
      createUser("ada", one),
      createUser("bob", two),
      createUser("cy", one, "shared-name"),
      createUser("eve", two, "shared-name"),
      { ...createUser("fay", await fixed("one")), fixed: true },
      { ...createUser("gus", await fixed("two")), fixed: true },
    ];
  },
  close: async () => undefined,
});

/** Tokens of one provider for two tenants with users of the same names. */
export async function tokenMode(): Promise<IdentityMode> {
  const key = await createSigningKey(randomUUID());
  const jwks: JwksServer = await startJwksServer(key);
  const token = (tenant: string, sub: string): Promise<string> =>
    signToken(key, { org: tenant, sub, exp: Math.floor(Date.now() / 1000) + 7_200 });
  return {
    name: "jwt",
    env: {
      ...ownKey,
      STATEGATE_IDENTITY__MODE: "jwt",
      STATEGATE_IDENTITY__JWT__JWKS_URL: jwks.url,
      STATEGATE_IDENTITY__JWT__ISSUER: ISSUER,
      STATEGATE_IDENTITY__JWT__AUDIENCE: AUDIENCE,
      STATEGATE_IDENTITY__JWT__TENANT_CLAIM: "org",
    },
    sharesAccount: true,
    async createUsers() {
      const users = ["one", "two"].flatMap((tenant) => ["ada", "bob", tenant].map((user) => ({ tenant, user })));
      return Promise.all(
        users.map(async ({ tenant, user }) => ({
          ...createUser(`${user}-of-${tenant}`, await token(tenant, user)),
          fixed: true,
        })),
      );
    },
    close: () => jwks.close(),
  };
}
