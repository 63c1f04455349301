import { randomUUID } from "node:crypto";

import { LRUCache } from "lru-cache";

import { type Account, type AccountParts, createAccount } from "./account.ts";

/** The accounts that this replica has to do with. */
export interface Accounts {
  of(owner: string): Account;
  /** Its requests hold places from now on: until they have ended the account is not dropped, and the places are renewed. */
  hold(owner: string): void;
  /** The next account of this owner is a new one. */
  forget(owner: string): void;
  close(): Promise<void>;
}

const MAX_ACCOUNTS = 10_000;
/** How long a crashed replica's places stay taken, and how often a living one says that it lives. */
const PLACE_TTL_MS = 30_000;
const RENEW_EVERY_MS = 10_000;

export function createAccounts(shared: Pick<AccountParts, "quotas" | "clock">): Accounts {
  const parts = { ...shared, replica: randomUUID(), placeTtlMs: PLACE_TTL_MS };
  const known = new LRUCache<string, Account>({ max: MAX_ACCOUNTS });
  const holding = new Map<string, Account>();

  const accountOf = (owner: string): Account => {
    const account = holding.get(owner) ?? known.get(owner) ?? createAccount(owner, parts);
    known.set(owner, account);
    return account;
  };
  const renewing = setInterval(() => {
    for (const [owner, account] of holding) {
      if (account.isIdle) holding.delete(owner);
      else void account.renewPlaces();
    }
  }, RENEW_EVERY_MS).unref();

  return {
    of: accountOf,
    hold: (owner) => void holding.set(owner, accountOf(owner)),
    forget(owner) {
      accountOf(owner).forget();
      holding.delete(owner);
      known.delete(owner);
    },
    async close() {
      clearInterval(renewing);
      await Promise.all([...holding.values()].map((account) => account.renewPlaces()));
    },
  };
}
