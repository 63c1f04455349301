import type { StoreBackend } from "./store-backend.ts";
import { storeUnavailable } from "./store-unavailable.ts";

const missing = (): Promise<never> => Promise.reject(storeUnavailable("not in this adapter yet"));

/** TEMPORARY, deleted with the last adapter that lacks them. */
export const missingContracts: Pick<StoreBackend, "quotas" | "notices" | "audit"> = {
  quotas: { take: missing, hold: missing, forget: missing },
  // Silent instead of failing: both are used all the time, and failures would open the breaker of the whole store.
  notices: { post: async () => undefined, read: async () => ({ notices: [], cursor: "" }) },
  audit: { append: async () => undefined, chains: async () => [], read: async () => [], latest: async () => [] },
};
export const missingRecordMethods = { replace: missing, remove: missing, list: async () => [] };
export const missingSessionMethods = { count: missing, removeOwner: missing };
