import type { AuditStore } from "./audit-store.ts";
import type { LeaseStore } from "./lease-store.ts";
import type { NoticeStore } from "./notice-store.ts";
import type { QuotaStore } from "./quota-store.ts";
import type { RecordStore } from "./record-store.ts";
import type { SessionStore } from "./session-store.ts";
import type { VectorStore } from "./vector-store.ts";

/** What a call is about. `anywhere`: more than is known beforehand. */
export interface StoreSubject {
  readonly kind: "session" | "owner" | "record" | "lease" | "quota" | "notices" | "audit" | "anywhere";
  /** As the call names it; empty where there is one of its kind. */
  readonly name: string;
}

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
  /**
   * For a backend whose parts fail apart from each other: the name, for logs, of the one that has the subject now, or
   * `undefined` where it is not one alone or not known. Absent where all of it fails together.
   */
  readonly partitionOf?: ((subject: StoreSubject) => string | undefined) | undefined;
  /** Resolves when the backend answers; rejects with `store_unavailable`. For readiness. */
  ping(): Promise<void>;
  /** Waits for accepted writes, then frees everything. Idempotent. */
  close(): Promise<void>;
}
