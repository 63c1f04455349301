import type { KeyStore } from "./key-store.ts";
import type { LeaseStore } from "./lease-store.ts";
import type { SessionStore } from "./session-store.ts";

/** One opened backend. */
export interface StoreBackend {
  readonly sessions: SessionStore;
  readonly keys: KeyStore;
  readonly leases: LeaseStore;
  /** Resolves when the backend answers; rejects with `store_unavailable`. For readiness. */
  ping(): Promise<void>;
  /** Waits for accepted writes, then frees everything. Idempotent. */
  close(): Promise<void>;
}
