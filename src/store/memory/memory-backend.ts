import type { Clock } from "../../kit/clock.ts";
import type { LeaseStore } from "../lease-store.ts";
import type { StoreBackend } from "../store-backend.ts";
import { storeUnavailable } from "../store-unavailable.ts";
import { createMemoryAuditStore } from "./memory-audit-store.ts";
import { createMemoryNoticeStore } from "./memory-notice-store.ts";
import { createMemoryQuotaStore } from "./memory-quota-store.ts";
import { createMemoryRecordStore } from "./memory-record-store.ts";
import { createMemorySessionStore } from "./memory-session-store.ts";

export interface MemoryBackendOptions {
  readonly clock: Clock;
}

/** Keeps everything in this process and loses it with the process. For tests and trials. */
export function createMemoryBackend({ clock }: MemoryBackendOptions): StoreBackend {
  let closed = false;
  const refuseWhenClosed = (): void => {
    if (closed) throw storeUnavailable("the memory store is closed");
  };
  return {
    sessions: createMemorySessionStore(clock, refuseWhenClosed),
    records: createMemoryRecordStore(clock, refuseWhenClosed),
    leases: createMemoryLeaseStore(clock, refuseWhenClosed),
    quotas: createMemoryQuotaStore(clock, refuseWhenClosed),
    notices: createMemoryNoticeStore(clock, refuseWhenClosed),
    audit: createMemoryAuditStore(refuseWhenClosed),
    async ping() {
      refuseWhenClosed();
    },
    async close() {
      closed = true;
    },
  };
}

function createMemoryLeaseStore(clock: Clock, refuseWhenClosed: () => void): LeaseStore {
  const leases = new Map<string, { holder: string; until: number }>();
  return {
    async acquire(name, holder, ttlMs) {
      refuseWhenClosed();
      const lease = leases.get(name);
      if (lease && lease.until > clock()) return false;
      leases.set(name, { holder, until: clock() + ttlMs });
      return true;
    },
    async release(name, holder) {
      refuseWhenClosed();
      if (leases.get(name)?.holder === holder) leases.delete(name);
    },
  };
}
