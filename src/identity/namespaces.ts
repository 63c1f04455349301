import type { KeyedHash } from "../sealing/keyed-hash.ts";

/** A tenant that somebody gave a name: in the configuration, to an issued key, in a token. The same name is the same tenant. */
export const namedTenant = (keyedHash: KeyedHash, name: string): string => keyedHash.hash("tenant", "name", name);

/** A tenant known by nothing but its upstream key. */
export const tenantOfSecret = (keyedHash: KeyedHash, secret: string): string => keyedHash.hash("tenant", secret);

/** "" is the tenant's default user. */
export const ownerOf = (keyedHash: KeyedHash, tenant: string, user: string): string =>
  keyedHash.hash("owner", tenant, user);
