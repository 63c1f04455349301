import type { AuditStore } from "./audit-store.ts";
import type { LeaseStore } from "./lease-store.ts";
import type { NoticeStore } from "./notice-store.ts";
import type { QuotaStore } from "./quota-store.ts";
import type { RecordStore } from "./record-store.ts";
import type { SessionStore } from "./session-store.ts";
import type { VectorStore } from "./vector-store.ts";

/** One opened backend. */
export interface StoreBackend {
  readonly sessions: SessionStore;
  readonly records: RecordStore;
  readonly leases: LeaseStore;
  readonly quotas: QuotaStore;
  readonly notices: NoticeStore;
  readonly audit: AuditStore;
  /** Absent where none are to be held. */
  readonly vectors?: VectorStore | undefined;
  /** Resolves when the backend answers; rejects with `store_unavailable`. For readiness. */
  ping(): Promise<void>;
  /** Waits for accepted writes, then frees everything. Idempotent. */
  close(): Promise<void>;
}
