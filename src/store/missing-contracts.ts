import type { StoreBackend } from "./store-backend.ts";
import { storeUnavailable } from "./store-unavailable.ts";

const missing = (): Promise<never> => Promise.reject(storeUnavailable("not in this adapter yet"));

/** TEMPORARY, deleted with the last adapter that lacks them. */
export const missingContracts: Pick<StoreBackend, "quotas" | "notices" | "audit"> = {
  quotas: { take: missing, hold: missing, forget: missing },
  notices: { post: missing, read: missing },
  audit: { append: missing, chains: missing, read: missing, latest: missing },
};
export const missingRecordMethods = { replace: missing, remove: missing, list: missing };
export const missingSessionMethods = { count: missing, removeOwner: missing };
