import { hash } from "node:crypto";

import type { Secret } from "../kit/secret.ts";

/** Credentials that the configuration binds to one tenant, so that a new key finds what the old one left. */
export interface TenantBook {
  readonly isEmpty: boolean;
  /** The tenant's name; `undefined` for a credential that stands nowhere. */
  find(secret: string): string | undefined;
}

export interface TenantEntry {
  readonly name: string;
  /** Each in clear, or as `sha256:` and 64 hex digits. */
  readonly credentials: readonly Secret[];
}

/** Looked up by digest, so that no comparison takes longer the more of a credential is right. */
export function createTenantBook(entries: readonly TenantEntry[]): TenantBook {
  const names = new Map(
    entries.flatMap(({ name, credentials }) =>
      credentials.map((credential) => [digestOf(credential.expose()), name] as const),
    ),
  );
  return {
    isEmpty: names.size === 0,
    find: (secret) => (names.size === 0 ? undefined : names.get(hash("sha256", secret, "hex"))),
  };
}

const digestOf = (credential: string): string =>
  credential.startsWith("sha256:")
    ? credential.slice("sha256:".length).toLowerCase()
    : hash("sha256", credential, "hex");
